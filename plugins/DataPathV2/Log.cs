using Microsoft.Extensions.Logging;

namespace Terway.Plugins.DataPathV2;

/// <summary>Everything this plugin logs.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 5001, Level = LogLevel.Information, Message = "eBPF programs loaded: {Programs}")]
    public static partial void Loaded(ILogger log, string programs);

    [LoggerMessage(EventId = 5002, Level = LogLevel.Debug, Message = "ENI link {Link} ({Mac}) is accelerated")]
    public static partial void EniReady(ILogger log, string link, string mac);

    [LoggerMessage(EventId = 5003, Level = LogLevel.Warning, Message = "ENI link {Link} ({Mac}) is gone: its pods have no way out until it is back")]
    public static partial void EniGone(ILogger log, string link, string mac);

    [LoggerMessage(EventId = 5004, Level = LogLevel.Error, Message = "ENI {Mac} is not accelerated, its pods go through the node's stack: {Reason}")]
    public static partial void EniFailed(ILogger log, string mac, string reason);

    [LoggerMessage(EventId = 5005, Level = LogLevel.Critical, Message = "The node's addresses are not watched any more: pods may not reach new ones; restart the daemon")]
    public static partial void AddressesNotWatched(ILogger log, Exception e);

    [LoggerMessage(EventId = 5006, Level = LogLevel.Error, Message = "The node's addresses could not be written for the eBPF programs: {Reason}")]
    public static partial void NetworksFailed(ILogger log, string reason);

    [LoggerMessage(EventId = 5007, Level = LogLevel.Critical, Message = "The node's links are not watched any more: entries of pods that die without a DEL stay; restart the daemon")]
    public static partial void LinksNotWatched(ILogger log, Exception e);

    [LoggerMessage(EventId = 5011, Level = LogLevel.Error, Message = "Services could not be written for the eBPF programs: {Reason}")]
    public static partial void ServicesFailed(ILogger log, string reason);

    [LoggerMessage(EventId = 5010, Level = LogLevel.Information, Message = "{Count} connected UDP sockets ended whose backends are gone")]
    public static partial void FlowsEnded(ILogger log, int count);

    [LoggerMessage(EventId = 5008, Level = LogLevel.Error, Message = "Entries of pods whose links are gone could not be removed: {Reason}")]
    public static partial void EntriesStay(ILogger log, string reason);

    [LoggerMessage(EventId = 5012, Level = LogLevel.Warning, Message = "What clients met of Services that are gone could not be forgotten: {Reason}")]
    public static partial void ChoicesStay(ILogger log, string reason);

    [LoggerMessage(EventId = 5013, Level = LogLevel.Warning, Message = "The entries of the eBPF map {Map} could not be counted: {Reason}")]
    public static partial void NotCounted(ILogger log, string map, string reason);

    [LoggerMessage(EventId = 5014, Level = LogLevel.Error, Message = "ENI link {Link} ({Mac}) has no departure times, egress limits of its pods are not kept: {Reason}; it is tried again")]
    public static partial void EniNotPaced(ILogger log, string link, string mac, string reason);

    [LoggerMessage(EventId = 5015, Level = LogLevel.Information, Message = "Limits of pods' bandwidth are kept by {Mode}")]
    public static partial void BandwidthBy(ILogger log, string mode);

    [LoggerMessage(EventId = 5009, Level = LogLevel.Information, Message = "Flows that the stack carries are shared with {Folder}")]
    public static partial void FlowsShared(ILogger log, string folder);
}
