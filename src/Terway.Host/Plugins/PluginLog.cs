using Microsoft.Extensions.Logging;

namespace Terway.Host.Plugins;

internal static partial class PluginLog
{
    [LoggerMessage(100, LogLevel.Information, "Plugin set: {Plugin} ({Why})")]
    public static partial void Chosen(ILogger logger, string plugin, string why);

    [LoggerMessage(101, LogLevel.Information, "Plugin {Plugin}: {Before} -> {After}")]
    public static partial void Changed(ILogger logger, string plugin, PluginState before, PluginState after);

    [LoggerMessage(102, LogLevel.Warning, "Plugin {Plugin}: {Before} -> {After}: {Reason}")]
    public static partial void ChangedBadly(ILogger logger, string plugin, PluginState before, PluginState after, string reason);

    [LoggerMessage(103, LogLevel.Error, "Plugin set: {Finding}")]
    public static partial void Finding(ILogger logger, string finding);

    [LoggerMessage(104, LogLevel.Warning, "Plugin folder {Folder} is not usable: {Reasons}")]
    public static partial void FolderRejected(ILogger logger, string folder, string reasons);

    [LoggerMessage(105, LogLevel.Warning, "Plugin {Plugin}: {What} failed while it was ended: {Reason}")]
    public static partial void EndFailed(ILogger logger, string plugin, string what, string reason);

    [LoggerMessage(106, LogLevel.Debug, "Plugin {Plugin}: {Detail}")]
    public static partial void Detail(ILogger logger, string plugin, string detail);
}
