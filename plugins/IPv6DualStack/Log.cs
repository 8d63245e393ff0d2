using Microsoft.Extensions.Logging;

namespace Terway.Plugins.IPv6DualStack;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Warning, "The cloud could not be asked whether vSwitches and ENIs can have IPv6 ({Reason}); asked again after {Seconds} s")]
    public static partial void NotChecked(ILogger logger, string reason, double seconds);
}
