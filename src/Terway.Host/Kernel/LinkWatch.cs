using Microsoft.Extensions.Logging;
using Terway.Linux.Netlink;
using Terway.Plugin;

namespace Terway.Host.Kernel;

/// <summary>Keeps a <see cref="LinkTable"/> as the kernel has it, by notifications.</summary>
internal sealed partial class LinkWatch : IDisposable
{
    private readonly LinkTable _table;
    private readonly ILogger _log;
    private readonly RtnlMonitor _monitor;

    private LinkWatch(LinkTable table, ILogger log)
    {
        _table = table;
        _log = log;
        _monitor = RtnlMonitor.Start(RtnlGroups.Links, Handle, Fail);
    }

    /// <summary>Starts watching the calling thread's namespace; the table is filled when this returns.</summary>
    public static LinkWatch Start(LinkTable table, ILogger<LinkWatch> log)
    {
        // The monitor first: what changes during the dump is told afterwards.
        var watch = new LinkWatch(table, log);
        watch.Resync();
        return watch;
    }

    public void Dispose() => _monitor.Dispose();

    private void Handle(RtnlEvent e)
    {
        switch (e)
        {
            case RtnlEvent.LinkChanged { Removed: true } change:
                _table.Remove(change.Link.Index);
                break;
            case RtnlEvent.LinkChanged change when Of(change.Link) is { } link:
                _table.Put(link, change.Link.IsUp);
                break;
            case RtnlEvent.Resync:
                Resync();
                break;
        }
    }

    private void Resync()
    {
        using var socket = RtnlSocket.Open();
        _table.Reset([.. socket.DumpLinks().Select(Of).OfType<NodeLink>()]);
    }

    private static NodeLink? Of(LinkInfo link) => link.Mac is { } mac ? new NodeLink(link.Name, link.Index, mac.ToString(), link.Mtu) : null;

    private void Fail(Exception e) => LogFailed(_log, e);

    [LoggerMessage(EventId = 6001, Level = LogLevel.Critical, Message = "Links of the node are not watched any more: new ENIs will not be noticed; restart the daemon")]
    private static partial void LogFailed(ILogger log, Exception e);
}
