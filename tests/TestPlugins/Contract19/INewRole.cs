namespace Terway.Plugin;

/// <summary>A role that hosts with contract 1.0 do not know.</summary>
public interface INewRole
{
    int Answer { get; }
}
