using Microsoft.Extensions.Logging;

namespace Terway.Host;

/// <summary>Messages of the daemon's life.</summary>
internal static partial class HostLog
{
    [LoggerMessage(EventId = 1001, Level = LogLevel.Information, Message = "terwayd {Version} ready in {Milliseconds:F0} ms: node {Node}, instance {Instance} ({Type}), plugins {Plugins}")]
    public static partial void Ready(ILogger log, string version, double milliseconds, string node, string instance, string type, string plugins);

    [LoggerMessage(EventId = 1002, Level = LogLevel.Error, Message = "This node takes no new pods: {Reason}")]
    public static partial void NotServing(ILogger log, string reason);

    [LoggerMessage(EventId = 1003, Message = "{Path}: {Reason}; {Fix}")]
    public static partial void Finding(ILogger log, LogLevel level, string path, string reason, string fix);

    [LoggerMessage(EventId = 1004, Level = LogLevel.Information, Message = "Stopping: pods keep their network")]
    public static partial void Stopping(ILogger log);

    [LoggerMessage(EventId = 1005, Level = LogLevel.Information, Message = "Last life: {Attached} pods attached, {Unfinished} attachments to finish, {Repaired} objects repaired, {Removed} left-over routes and rules removed")]
    public static partial void Reconciled(ILogger log, int attached, int unfinished, int repaired, int removed);

    [LoggerMessage(EventId = 1006, Level = LogLevel.Error, Message = "Network of {Key} ({Namespace}/{Name}) cannot be repaired: {Reason}")]
    public static partial void RepairFailed(ILogger log, string key, string @namespace, string name, string reason);

    [LoggerMessage(EventId = 1007, Level = LogLevel.Warning, Message = "Network of {Key} ({Namespace}/{Name}) repaired; missing were: {Missing}")]
    public static partial void Repaired(ILogger log, string key, string @namespace, string name, string missing);

    [LoggerMessage(EventId = 1009, Level = LogLevel.Warning, Message = "The node's own objects repaired; missing were: {Missing}")]
    public static partial void NodeRepaired(ILogger log, string missing);

    [LoggerMessage(EventId = 1010, Level = LogLevel.Error, Message = "The node's own objects cannot be repaired: {Missing}")]
    public static partial void NodeRepairFailed(ILogger log, string missing);

    [LoggerMessage(EventId = 1011, Level = LogLevel.Warning, Message = "{Count} routes and rules with our mark that belong to no pod and no plugin were removed")]
    public static partial void UnplannedRemoved(ILogger log, int count);

    [LoggerMessage(EventId = 1012, Level = LogLevel.Warning, Message = "Sandbox of {Key} ({Namespace}/{Name}) is gone with its link and no DEL came: its address goes back")]
    public static partial void SandboxGone(ILogger log, string key, string @namespace, string name);

    [LoggerMessage(EventId = 1013, Level = LogLevel.Error, Message = "Kernel and journal could not be compared; tried again")]
    public static partial void PassFailed(ILogger log, Exception exception);

    [LoggerMessage(EventId = 1014, Level = LogLevel.Error, Message = "Not serving until the state file can be opened: {Reason}")]
    public static partial void StateOutOfReach(ILogger log, string reason);

    [LoggerMessage(EventId = 1015, Level = LogLevel.Error, Message = "Another file is in the place of state file {Path}, which could not be written: ending, so that the next start reads it; pods keep their network")]
    public static partial void StateReplaced(ILogger log, string path);

    [LoggerMessage(EventId = 1016, Level = LogLevel.Error, Message = "What is past its time stays in the state file: {Reason}")]
    public static partial void SweepFailed(ILogger log, string reason);

    [LoggerMessage(EventId = 1008, Level = LogLevel.Critical, Message = "terwayd cannot start: {Reason}")]
    public static partial void CannotStart(ILogger log, string reason);
}
