namespace Terway.Plugins.DataPathV2.Datapath;

/// <summary>
/// The fair queue of an ENI, and the program before it that gives departure times: there as long as a pod of the ENI has an egress limit, so that others
/// pay nothing for it. Thread-safe.
/// </summary>
internal sealed class EniPacing(IPluginHost host) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1, 1);

    // Limited pods with the MAC address of their ENI; changed only inside _one, or before anything runs.
    private readonly Dictionary<(string ContainerId, string IfName), string> _pods = [];
    private readonly HashSet<string> _made = new(StringComparer.Ordinal);

    /// <summary>Of the node's objects of an ENI.</summary>
    public static string KeyOf(string mac) => $"pace/{mac}";

    /// <summary>Takes up a limited pod of an earlier life. Before the first other call.</summary>
    public void Restore(Attachment attachment) => _pods[Key(attachment)] = attachment.EniLink.Mac;

    /// <summary>Makes sure of the ENI of a limited pod.</summary>
    /// <exception cref="PodNetworkException">It cannot be: a queue that somebody else put there meanwhile, say.</exception>
    public Task EnsureAsync(Attachment attachment, CancellationToken cancellationToken) => InTurnAsync(
        async () =>
        {
            _pods[Key(attachment)] = attachment.EniLink.Mac;
            await MakeAsync(attachment.EniLink, cancellationToken);
        },
        cancellationToken);

    /// <summary>Of a pod that goes, limited or not.</summary>
    public Task ReleaseAsync(Attachment attachment, CancellationToken cancellationToken) => InTurnAsync(
        async () =>
        {
            _pods.Remove(Key(attachment));
            var mac = attachment.EniLink.Mac;
            if (!_made.Contains(mac) || _pods.ContainsValue(mac)) return;
            await RemoveAsync(mac, cancellationToken);
        },
        cancellationToken);

    /// <summary>The ENI's link is here, for the first time in this life or again: its objects are as its pods want them.</summary>
    /// <exception cref="PodNetworkException">They cannot be.</exception>
    public Task FollowAsync(NodeLink link, CancellationToken cancellationToken) => InTurnAsync(
        () => _pods.ContainsValue(link.Mac) ? MakeAsync(link, cancellationToken) : RemoveAsync(link.Mac, cancellationToken), cancellationToken);

    /// <summary>The ENI's link is gone, and its queue and program with it.</summary>
    public Task ForgetAsync(string mac, CancellationToken cancellationToken) => InTurnAsync(() => RemoveAsync(mac, cancellationToken), cancellationToken);

    public void Dispose() => _one.Dispose();

    private static (string, string) Key(Attachment attachment) => (attachment.Pod.ContainerId, attachment.Pod.IfName);

    private async Task MakeAsync(NodeLink link, CancellationToken cancellationToken)
    {
        // An array: the host keeps what it is given longer than this plugin. The queue first: without it departure times mean nothing.
        KernelObject[] objects =
        [
            new KernelObject.FairQueue(link.Name),
            new KernelObject.TcProgram(link.Name, Ingress: false, DatapathPins.PathOf(DatapathPins.ToEni), DatapathPins.FilterPriority),
        ];
        _made.Add(link.Mac);
        await host.EnsureNodeObjectsAsync(KeyOf(link.Mac), objects, cancellationToken);
    }

    private async Task RemoveAsync(string mac, CancellationToken cancellationToken)
    {
        await host.RemoveNodeObjectsAsync(KeyOf(mac), cancellationToken);
        _made.Remove(mac);
    }

    private async Task InTurnAsync(Func<Task> work, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            await work();
        }
        finally
        {
            _one.Release();
        }
    }
}
