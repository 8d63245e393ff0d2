namespace Terway.Configuration;

/// <summary>
/// Keys of an upstream cluster's ConfigMap <c>eni-config</c> beside <c>eni_conf</c> that say how pods are connected. Which plugins they ask for
/// counts where the configuration lists none; settings in them count in any case, below those of the configuration.
/// </summary>
internal sealed record UpstreamConfigMap
{
    /// <summary>Key that holds the CNI configuration.</summary>
    public const string CniConfKey = "10-terway.conf";

    /// <summary>Key that holds the CNI configuration as a chain; where there are both, upstream takes this one.</summary>
    public const string CniConfListKey = "10-terway.conflist";

    /// <summary>Key that turns network policies off.</summary>
    public const string DisablePolicyKey = "disable_network_policy";

    /// <summary>Which key <see cref="CniConf"/> is from.</summary>
    public string CniKey { get; init; } = CniConfKey;

    /// <summary>The CNI configuration; null when there is none.</summary>
    public ReadOnlyMemory<byte>? CniConf { get; init; }

    /// <summary>Text of key <see cref="DisablePolicyKey"/>; null when there is none, which upstream takes for "policies are enforced".</summary>
    public string? DisablePolicy { get; init; }

    /// <summary>Whether upstream enforces network policies: it does unless told otherwise.</summary>
    public bool EnforcesPolicies => DisablePolicy?.Trim() is null or "" or "0" or "false";

    /// <summary>The ConfigMap that a configuration is mounted from, told by its other keys; null when there are none of them.</summary>
    /// <param name="path">The configuration's file. Only one that has the key's name, <c>eni_conf</c>, is looked beside.</param>
    /// <exception cref="IOException">A key cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A key cannot be read.</exception>
    public static UpstreamConfigMap? Beside(string path)
    {
        if (Path.GetFileName(path) != "eni_conf") return null;
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string[] cni = [.. ((string[])[CniConfListKey, CniConfKey]).Where(key => File.Exists(Path.Combine(folder, key)))];
        var policy = Path.Combine(folder, DisablePolicyKey);
        if (cni.Length == 0 && !File.Exists(policy)) return null;
        return new UpstreamConfigMap
        {
            CniKey = cni.Length == 0 ? CniConfKey : cni[0],
            CniConf = cni.Length == 0 ? null : File.ReadAllBytes(Path.Combine(folder, cni[0])),
            DisablePolicy = File.Exists(policy) ? File.ReadAllText(policy) : null,
        };
    }
}
