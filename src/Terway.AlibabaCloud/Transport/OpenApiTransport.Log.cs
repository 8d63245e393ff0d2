using Microsoft.Extensions.Logging;

namespace Terway.AlibabaCloud.Transport;

public sealed partial class OpenApiTransport
{
    [LoggerMessage(3001, LogLevel.Debug, "{Product} {Action} succeeded in {Milliseconds} ms.")]
    private static partial void LogSucceeded(ILogger logger, string product, string action, long milliseconds);

    [LoggerMessage(3002, LogLevel.Warning, "Try {Attempt} of {Product} {Action} failed with {Code} (request {RequestId}): {Reason} Next try in {DelayMilliseconds} ms.")]
    private static partial void LogRetrying(
        ILogger logger, int attempt, string product, string action, string code, string? requestId, string reason, long delayMilliseconds);

    [LoggerMessage(3003, LogLevel.Information, "{Action} waited {Seconds} s for its rate limit, now {Rate} calls per minute.")]
    private static partial void LogRateLimitWait(ILogger logger, string action, double seconds, double rate);

    [LoggerMessage(3004, LogLevel.Warning, "This node's clock is off by {Seconds} s against {Host}; requests are dated accordingly from now on. Check its time synchronisation.")]
    private static partial void LogClockSkew(ILogger logger, double seconds, string host);

    [LoggerMessage(3005, LogLevel.Information, "Credential from {Source} was refused with {Code}; asking for a fresh one.")]
    private static partial void LogCredentialRefused(ILogger logger, string source, string code);

    [LoggerMessage(3006, LogLevel.Warning, "{Host} was not reached {Failures} times in a row: from now on one call at a time tries it, the others fail at once. Last: {Reason}")]
    private static partial void LogEndpointDown(ILogger logger, string host, int failures, string reason);

    [LoggerMessage(3007, LogLevel.Information, "{Host} answers again; calls go on as before.")]
    private static partial void LogEndpointBack(ILogger logger, string host);
}
