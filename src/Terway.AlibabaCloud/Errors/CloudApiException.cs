using System.Net;

namespace Terway.AlibabaCloud.Errors;

/// <summary>An OpenAPI call that was refused, or did not get through.</summary>
public sealed class CloudApiException : Exception
{
    /// <summary>Creates the exception; its message names call, code, reason and request id.</summary>
    public CloudApiException(
        string product,
        string action,
        string code,
        string reason,
        HttpStatusCode? httpStatus = null,
        string? requestId = null,
        TimeSpan? retryAfter = null,
        Exception? inner = null)
        : base(Describe(product, action, code, reason, httpStatus, requestId), inner)
    {
        Product = product;
        Action = action;
        Code = code;
        Reason = reason;
        HttpStatus = httpStatus;
        RequestId = requestId;
        RetryAfter = retryAfter;
    }

    /// <summary>Product called, e.g. <c>ecs</c>.</summary>
    public string Product { get; }

    /// <summary>API called.</summary>
    public string Action { get; }

    /// <summary>Error code; <see cref="CloudErrorCodes"/> has those that matter.</summary>
    public string Code { get; }

    /// <summary>The service's own words, without the context that <see cref="Exception.Message"/> adds.</summary>
    public string Reason { get; }

    /// <summary>HTTP status; null when there was no answer.</summary>
    public HttpStatusCode? HttpStatus { get; }

    /// <summary>Id under which the provider's support finds the request; null when there was no answer.</summary>
    public string? RequestId { get; }

    /// <summary>How long the service asked to wait (<c>x-acs-retry-after</c>); null when it did not.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>Too many calls: slow down.</summary>
    public bool IsThrottling => CloudErrorCodes.IsThrottling(Code);

    /// <summary>The same request may succeed later without anything else changing.</summary>
    public bool IsRetryable => RetryClassifier.Classify(Code, HttpStatus) is not RetryClass.Never;

    /// <summary>
    /// The request, in one of its tries, may have had its effect although no answer, or only that of a failing service,
    /// came back.
    /// </summary>
    public bool OutcomeUnknown => EarlierTryUnknown || (RetryClassifier.Classify(Code, HttpStatus) is RetryClass.Unknown && !WasNeverSent);

    /// <summary>A try before this one may have had its effect.</summary>
    internal bool EarlierTryUnknown { get; set; }

    /// <summary>The endpoint counts as down: this call was not even sent.</summary>
    internal bool NothingSent { get; init; }

    /// <summary>No connection was had, so that the request cannot have arrived.</summary>
    internal bool WasNeverSent => NothingSent || InnerException is HttpRequestException
    {
        HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError,
    };

    private static string Describe(string product, string action, string code, string reason, HttpStatusCode? status, string? requestId)
    {
        string at = status is { } s ? $" (HTTP {(int)s}" : " (no answer";
        at += requestId is { Length: > 0 } ? $", request {requestId})" : ")";
        return $"{product} {action} failed with {code}{at}: {reason}{NextStep(code)}";
    }

    private static string NextStep(string code) => code switch
    {
        CloudErrorCodes.ForbiddenRam => " Grant the action to the RAM role or user this node runs with.",
        CloudErrorCodes.VSwitchIpNotEnough or CloudErrorCodes.QuotaExceededPrivateIpAddress =>
            " Configure a further vSwitch for this zone, or free addresses in this one.",
        CloudErrorCodes.SecurityGroupInstanceLimitExceed => " Use another security group; this one is full.",
        CloudErrorCodes.EniPerInstanceLimitExceeded => " The instance type allows no further ENI.",
        CloudErrorCodes.TransportError or CloudErrorCodes.RequestTimeout =>
            " Check that the endpoint resolves and is reachable from this node.",
        _ => "",
    };
}
