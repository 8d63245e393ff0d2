namespace Terway.Plugin;

/// <summary>How much a part wants a pod. The host picks the only part with the greatest strength; two equals are a configuration error.</summary>
public enum ClaimStrength
{
    /// <summary>Cannot or does not want to serve it.</summary>
    None = 0,

    /// <summary>Serves whatever nobody else wants.</summary>
    Default = 1,

    /// <summary>This pod was meant for this part: it goes before every <see cref="Default"/>.</summary>
    Preferred = 2,
}
