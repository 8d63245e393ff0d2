using System.Net;

namespace Terway.AlibabaCloud.Errors;

internal static class RetryClassifier
{
    // Create, Assign and Modify calls are absent on purpose: repeating one whose answer was lost could make a second
    // ENI or address, unless the ClientToken lets the service recognise it.
    private static readonly string[] s_idempotentVerbs = ["Describe", "List", "Attach", "Detach", "Delete", "Unassign"];

    public static RetryClass Classify(string code, HttpStatusCode? status) => code switch
    {
        CloudErrorCodes.ClientRateLimited or CloudErrorCodes.OperationConflict or CloudErrorCodes.LastTokenProcessing => RetryClass.Refused,
        CloudErrorCodes.TransportError or CloudErrorCodes.RequestTimeout => RetryClass.Unknown,
        // A nonce is new for every try, so "used" means that a lower layer sent the request twice.
        CloudErrorCodes.SignatureNonceUsed => RetryClass.Unknown,
        _ when CloudErrorCodes.IsThrottling(code) || status is HttpStatusCode.TooManyRequests => RetryClass.Refused,
        _ when IsDefinite(code) => RetryClass.Never,
        _ when code.StartsWith(CloudErrorCodes.ServiceUnavailable, StringComparison.Ordinal)
            || code.StartsWith(CloudErrorCodes.InternalError, StringComparison.Ordinal) || (int?)status >= 500 => RetryClass.Unknown,
        _ => RetryClass.Never,
    };

    /// <summary>The service refused before it looked whether it knows the request: its earlier try may still have been carried out.</summary>
    public static bool IsBeforeExecution(string code, HttpStatusCode? status) =>
        Classify(code, status) is not RetryClass.Never
        || code is CloudErrorCodes.NoCredential
        || code.StartsWith("Forbidden", StringComparison.Ordinal)
        || CloudErrorCodes.IsStaleCredential(code) || CloudErrorCodes.IsClockSuspect(code);

    public static bool IsRepeatable(string action, IReadOnlyList<KeyValuePair<string, string>> parameters) =>
        s_idempotentVerbs.Any(v => action.StartsWith(v, StringComparison.Ordinal))
        || parameters.Any(p => p.Key == "ClientToken" && p.Value.Length > 0);

    private static bool IsDefinite(string code) =>
        code.StartsWith("Forbidden", StringComparison.Ordinal)
        || code.StartsWith("Invalid", StringComparison.Ordinal)
        || code.StartsWith("Quota", StringComparison.Ordinal);
}
