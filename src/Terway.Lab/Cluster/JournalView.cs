using Grpc.Core;
using Terway.Host.Api.V1;

namespace Terway.Lab.Cluster;

/// <summary>What a daemon's journal says about eBPF on its node, at one moment.</summary>
internal sealed class JournalView
{
    private const string Accelerated = "DataPathV2";

    private JournalView(NodeStatus status, IReadOnlyList<Attachment> attachments, IReadOnlyList<NodeObject> kept)
    {
        Kept = kept;
        // The plugin's name and its version.
        Pods = [.. attachments.Where(static a => a.Datapath.StartsWith(Accelerated, StringComparison.Ordinal))];
        HasPlugin = IsInService(status, Accelerated);
        WithIpv6 = IsInService(status, "IPv6DualStack");
        ServicesAreWhole = !status.Findings.Any(static f => f.Path.Contains("services", StringComparison.Ordinal) || f.Path.Contains("manifests", StringComparison.Ordinal));
    }

    /// <summary>Pods whose packets eBPF programs carry, whatever their phase.</summary>
    public IReadOnlyList<Attachment> Pods { get; }

    /// <summary>What plugins keep on the node.</summary>
    public IReadOnlyList<NodeObject> Kept { get; }

    /// <summary>Whether DataPathV2 is in service.</summary>
    public bool HasPlugin { get; }

    /// <summary>Whether the node has Services of that family.</summary>
    public bool WithIpv6 { get; }

    /// <summary>Whether the daemon says that it balances every Service of its manifests.</summary>
    public bool ServicesAreWhole { get; }

    /// <summary>Folders of pins, relative to the node's.</summary>
    public IEnumerable<string> Folders => Kept.Where(static o => o.Kind == "PinFolder").Select(static o => o.Pin);

    /// <summary>Links that have, or are to have, a program.</summary>
    public IReadOnlySet<string> Links =>
        Kept.Where(static o => o.Kind == "TcProgram").Select(static o => o.Link).Concat(Pods.Select(static p => p.HostLink)).ToHashSet(StringComparer.Ordinal);

    /// <exception cref="RpcException">No daemon answers.</exception>
    public static async Task<JournalView> ReadAsync(string runFolder, NodeStatus status, CancellationToken ct)
    {
        using var channel = NodeAgent.Connect(runFolder);
        var client = new Node.NodeClient(channel);
        List<Attachment> attachments = [];
        List<NodeObject> kept = [];
        using (var call = client.ListAttachments(new ListAttachmentsRequest(), cancellationToken: ct))
            await foreach (var attachment in call.ResponseStream.ReadAllAsync(ct)) attachments.Add(attachment);
        using (var call = client.ListNodeObjects(new ListNodeObjectsRequest(), cancellationToken: ct))
            await foreach (var o in call.ResponseStream.ReadAllAsync(ct)) kept.Add(o);
        return new JournalView(status, attachments, kept);
    }

    private static bool IsInService(NodeStatus status, string plugin) => status.Plugins.Any(p => p.Name == plugin && p.State is "Started" or "Degraded");
}
