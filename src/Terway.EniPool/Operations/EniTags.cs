using Terway.AlibabaCloud.Network;
using Terway.EniPool.Configuration;

namespace Terway.EniPool.Operations;

/// <summary>How our ENIs are told from others.</summary>
internal sealed class EniTags(PoolSettings settings, NodeFacts node)
{
    private const string Creator = "creator";
    private const string Terway = "terway";
    private const string Node = "terway-node";
    private const string Pool = "terway-pool";
    private const string Shared = "shared";
    private const string Operation = "terway-op";

    // ENIs of other controllers (reference: upstream's built-in block list).
    private static readonly EniTag[] s_blocked =
    [
        new(Creator, "alibabacloud-erdma-controller"), new("terway.alibabacloud.com/excluded", "true"),
    ];

    /// <summary>Tags that every ENI of this pool carries.</summary>
    public IReadOnlyList<Tag> Own { get; } = [new(Creator, Terway), new(Pool, Shared), new(Node, node.InstanceId)];

    /// <summary>Tags of a new ENI.</summary>
    public IReadOnlyList<Tag> ForCreation(string token) =>
    [
        .. Own,
        new(Operation, token),
        .. settings.EniTags.Concat(settings.EniTagFilter).Select(t => new Tag(t.Key, t.Value))
            .Where(t => t.Key is not (Creator or Pool or Node or Operation)).DistinctBy(t => t.Key),
    ];

    public static Tag OfOperation(string token) => new(Operation, token);

    public static string? OperationOf(Eni eni) => eni.Tags.FirstOrDefault(t => t.Key == Operation)?.Value;

    /// <summary>Made by Terway, and so one that we may delete when it is idle.</summary>
    public static bool IsTerways(Eni eni) => Has(eni, Creator, Terway);

    /// <summary>Made by this pool for this node.</summary>
    public bool IsOwn(Eni eni) => Own.All(t => Has(eni, t.Key, t.Value));

    /// <summary>Whether an ENI found on the node belongs into the pool. The caller has seen that it is not the primary one.</summary>
    public bool IsManaged(Eni eni)
    {
        if (eni.Type != EniType.Secondary || eni.ServiceManaged || eni.NetworkInterfaceTrafficMode == "HighPerformance"
            || s_blocked.Concat(settings.EniTagBlockList).Any(t => Has(eni, t.Key, t.Value))
            || (Has(eni, "leni_primary", "true") && Has(eni, "acs:ecs:support_eni", "true")))
        {
            return false;
        }

        return settings.EniTagFilter.Count > 0
            ? settings.EniTagFilter.All(t => Has(eni, t.Key, t.Value)) || IsOwn(eni)
            : IsTerways(eni);
    }

    private static bool Has(Eni eni, string key, string value) => eni.Tags.Any(t => t.Key == key && t.Value == value);
}
