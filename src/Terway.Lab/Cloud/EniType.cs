namespace Terway.Lab.Cloud;

/// <summary>Kind of an elastic network interface, as the ECS API names it.</summary>
public enum EniType
{
    Primary,
    Secondary,
    Trunk,
    Member,
}
