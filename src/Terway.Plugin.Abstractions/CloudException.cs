namespace Terway.Plugin;

/// <summary>A cloud call that failed for good: retries that were safe have been made already.</summary>
public sealed class CloudException : Exception
{
    /// <summary>Creates the exception.</summary>
    public CloudException(string action, string code, string message, string? requestId = null, bool outcomeUnknown = false, Exception? inner = null)
        : base($"{action}: {code}: {message}{(requestId is null ? "" : $" (RequestId {requestId})")}", inner)
    {
        Action = action;
        Code = code;
        RequestId = requestId;
        OutcomeUnknown = outcomeUnknown;
    }

    /// <summary>The operation.</summary>
    public string Action { get; }

    /// <summary>The cloud's error code, such as <c>InvalidVSwitchId.IpNotEnough</c>, or <c>TransportError</c>.</summary>
    public string Code { get; }

    /// <summary>The cloud's RequestId, for its support; null when no answer was had.</summary>
    public string? RequestId { get; }

    /// <summary>True when the operation may have been carried out although no answer was had.</summary>
    public bool OutcomeUnknown { get; }
}
