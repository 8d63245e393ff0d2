namespace Terway.AlibabaCloud.Network;

/// <summary>Kinds of ENI.</summary>
public static class EniType
{
    /// <summary>Made with the instance; never ours.</summary>
    public const string Primary = "Primary";

    /// <summary>An ordinary further ENI.</summary>
    public const string Secondary = "Secondary";

    /// <summary>Carries member ENIs behind VLANs.</summary>
    public const string Trunk = "Trunk";

    /// <summary>Behind a VLAN of a trunk.</summary>
    public const string Member = "Member";
}
