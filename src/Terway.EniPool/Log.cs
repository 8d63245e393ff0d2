using Microsoft.Extensions.Logging;

namespace Terway.EniPool;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "ENI {Eni} created in {VSwitch} with {Count} addresses")]
    public static partial void EniCreated(ILogger logger, string eni, string vSwitch, int count);

    [LoggerMessage(2, LogLevel.Information, "ENI {Eni} serves pods through {Link} with {Count} addresses")]
    public static partial void EniReady(ILogger logger, string eni, string link, int count);

    [LoggerMessage(3, LogLevel.Warning, "ENI {Eni} is not this node's any more, but belongs to {Owner}")]
    public static partial void EniLost(ILogger logger, string eni, string owner);

    [LoggerMessage(4, LogLevel.Information, "ENI {Eni} deleted")]
    public static partial void EniGone(ILogger logger, string eni);

    [LoggerMessage(5, LogLevel.Information, "{Count} addresses added to ENI {Eni}")]
    public static partial void Assigned(ILogger logger, int count, string eni);

    [LoggerMessage(6, LogLevel.Information, "{Count} addresses given back from ENI {Eni}")]
    public static partial void Unassigned(ILogger logger, int count, string eni);

    [LoggerMessage(7, LogLevel.Warning, "ENI {Eni} is this node's, attached to nothing and remembered by nobody: it is deleted")]
    public static partial void Orphan(ILogger logger, string eni);

    [LoggerMessage(19, LogLevel.Warning, "The link of ENI {Eni} is gone from the node: the cloud is asked what became of it")]
    public static partial void LinkGone(ILogger logger, string eni);

    [LoggerMessage(20, LogLevel.Warning, "ENI {Eni} cannot be brought up")]
    public static partial void BringUpFailed(ILogger logger, Exception exception, string eni);

    [LoggerMessage(21, LogLevel.Warning, "No ENI could be made in {VSwitch}")]
    public static partial void CreateFailed(ILogger logger, Exception exception, string vSwitch);

    [LoggerMessage(22, LogLevel.Warning, "No addresses could be added to ENI {Eni}")]
    public static partial void AssignFailed(ILogger logger, Exception exception, string eni);

    [LoggerMessage(23, LogLevel.Warning, "Addresses of ENI {Eni} could not be given back")]
    public static partial void UnassignFailed(ILogger logger, Exception exception, string eni);

    [LoggerMessage(24, LogLevel.Warning, "ENI {Eni} could not be deleted")]
    public static partial void DeleteFailed(ILogger logger, Exception exception, string eni);

    [LoggerMessage(25, LogLevel.Warning, "The cloud could not be asked about {Object}")]
    public static partial void RefreshFailed(ILogger logger, Exception exception, string @object);

    [LoggerMessage(26, LogLevel.Warning, "The node's ENIs could not be listed")]
    public static partial void InventoryFailed(ILogger logger, Exception exception);

    [LoggerMessage(27, LogLevel.Error, "The pool's worker failed; it goes on")]
    public static partial void WorkerFailed(ILogger logger, Exception exception);

    [LoggerMessage(28, LogLevel.Warning, "Record {Key} is damaged and left out; the cloud is asked instead")]
    public static partial void DamagedRecord(ILogger logger, string key);

    [LoggerMessage(29, LogLevel.Warning, "{Path}: {Reason}; {Fix}")]
    public static partial void SettingProblem(ILogger logger, string path, string reason, string fix);

    [LoggerMessage(30, LogLevel.Warning, "When the last pod came could not be written down")]
    public static partial void ActivityNotKept(ILogger logger, Exception exception);

    [LoggerMessage(31, LogLevel.Warning, "ENI {Eni} was to be deleted, but its tags exclude it now: it is left alone")]
    public static partial void DeletionAborted(ILogger logger, string eni);

    [LoggerMessage(32, LogLevel.Warning, "ENI {Eni} is excluded by its tags: it gets no new pods")]
    public static partial void EniExcluded(ILogger logger, string eni);
}
