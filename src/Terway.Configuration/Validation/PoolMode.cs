namespace Terway.Configuration.Validation;

/// <summary>What a configuration's plugins make of a node.</summary>
/// <param name="Shared">Many pods share an ENI.</param>
/// <param name="Exclusive">Each pod has an ENI.</param>
/// <param name="DualStack">Pods have an IPv6 address too.</param>
internal readonly record struct PoolMode(bool Shared, bool Exclusive, bool DualStack)
{
    public static PoolMode Of(NodePoolConfig config) => new(Has(config, "SharedEni"), Has(config, "ExclusiveEni"), Has(config, "IPv6DualStack"));

    private static bool Has(NodePoolConfig config, string plugin) => config.Plugins.Any(p => p.Name == plugin);
}
