using Terway.Plugin;

namespace Terway.Configuration.Plugins.Manifests;

/// <summary>The roles of the contract, by the names that manifests use.</summary>
internal static class PluginRoles
{
    public const string AddressFamily = nameof(IAddressFamily);

    public static IReadOnlyList<Type> Types { get; } =
        [typeof(IAddressProvider), typeof(IDatapath), typeof(IPodStage), typeof(IAddressFamily), typeof(INodeService)];

    public static IReadOnlyList<string> Names { get; } = [.. Types.Select(t => t.Name)];
}
