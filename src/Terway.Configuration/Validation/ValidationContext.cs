using System.Net;
using Terway.AlibabaCloud.Network;
using Terway.Configuration.Plugins.Manifests;
using Terway.Configuration.Plugins.Resolution;
using Terway.Plugin;

namespace Terway.Configuration.Validation;

/// <summary>What is known beside the configuration itself. The more, the more is checked.</summary>
internal sealed record ValidationContext
{
    /// <summary>Limits of the nodes' instance type.</summary>
    public InstanceTypeLimits? InstanceType { get; init; }

    /// <summary>The cluster's version; null when it is not known.</summary>
    public Version? Kubernetes { get; init; }

    /// <summary>Where nodes reach the API server; null when it is not known.</summary>
    public IPAddress? ControlPlane { get; init; }

    /// <summary>Networks of nodes, vSwitches and pods.</summary>
    public IReadOnlyList<NamedNetwork> Networks { get; init; } = [];

    /// <summary>Plugins there are. Null: names are only compared with those that come with Terway.</summary>
    public PluginCatalog? Catalog { get; init; }

    /// <summary>What the node offers to plugins; used with <see cref="Catalog"/>.</summary>
    public NodeEnvironment? Node { get; init; }

    /// <summary>What a running node knows; its plugin list is resolved by whoever loads the plugins.</summary>
    public static ValidationContext Of(NodeFacts node) => new()
    {
        InstanceType = new InstanceTypeLimits
        {
            InstanceTypeId = node.InstanceType,
            EniQuantity = node.EniQuantity,
            EniTotalQuantity = node.EniTotalQuantity,
            EniPrivateIpAddressQuantity = node.EniPrivateIpAddressQuantity,
            EniIpv6AddressQuantity = node.EniIpv6AddressQuantity,
            EniTrunkSupported = node.EniTrunkSupported,
        },
        Networks = [.. node.Addresses.Select(static a => new NamedNetwork("address of this node", new IPNetwork(a, a.GetAddressBytes().Length * 8)))],
        CheckPlugins = false,
    };

    /// <summary>False where the caller resolves the plugin list itself, as the daemon does.</summary>
    public bool CheckPlugins { get; init; } = true;
}
