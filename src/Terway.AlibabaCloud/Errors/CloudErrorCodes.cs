namespace Terway.AlibabaCloud.Errors;

/// <summary>Error codes of the ECS and VPC API that code branches on, and the ones this client adds.</summary>
public static class CloudErrorCodes
{
    /// <summary>The API could not be reached, or the connection broke. Added by this client.</summary>
    public const string TransportError = "TransportError";

    /// <summary>No answer within the time-out. Added by this client.</summary>
    public const string RequestTimeout = "RequestTimeout";

    /// <summary>An answer that is not the JSON the API promises. Added by this client.</summary>
    public const string MalformedResponse = "MalformedResponse";

    /// <summary>The own rate limit would have made the call wait too long; nothing was sent. Added by this client.</summary>
    public const string ClientRateLimited = "ClientRateLimited";

    /// <summary>No credential could be had; nothing was sent. Added by this client.</summary>
    public const string NoCredential = "NoCredential";

    /// <summary>First word of every throttling code: Throttling, Throttling.User, Throttling.Api.</summary>
    public const string Throttling = "Throttling";

    /// <summary>Throttled for the whole account.</summary>
    public const string ThrottlingUser = "Throttling.User";

    /// <summary>Throttled for one API.</summary>
    public const string ThrottlingApi = "Throttling.Api";

    /// <summary>Failure inside the service.</summary>
    public const string InternalError = "InternalError";

    /// <summary>The service is down for now.</summary>
    public const string ServiceUnavailable = "ServiceUnavailable";

    /// <summary>Another operation on the same object is under way.</summary>
    public const string OperationConflict = "Operation.Conflict";

    /// <summary>A request with this ClientToken is being processed.</summary>
    public const string LastTokenProcessing = "LastTokenProcessing";

    /// <summary>The ClientToken belongs to a request with other parameters: take a new one.</summary>
    public const string IdempotentFailed = "IdempotentFailed";

    /// <summary>The RAM identity lacks the permission.</summary>
    public const string ForbiddenRam = "Forbidden.RAM";

    /// <summary>The vSwitch has no free address.</summary>
    public const string VSwitchIpNotEnough = "InvalidVSwitchId.IpNotEnough";

    /// <summary>The vSwitch does not exist.</summary>
    public const string VSwitchNotFound = "InvalidVSwitchId.NotFound";

    /// <summary>The vSwitch has no free private addresses (newer spelling of the same shortage).</summary>
    public const string QuotaExceededPrivateIpAddress = "QuotaExceeded.PrivateIpAddress";

    /// <summary>The instance type takes no further ENI.</summary>
    public const string EniPerInstanceLimitExceeded = "EniPerInstanceLimitExceeded";

    /// <summary>The account takes no further ENI.</summary>
    public const string MaxEniCountExceeded = "MaxEniCountExceeded";

    /// <summary>The security group is full.</summary>
    public const string SecurityGroupInstanceLimitExceed = "SecurityGroupInstanceLimitExceed";

    /// <summary>The address is not assigned to that ENI.</summary>
    public const string IpUnassigned = "InvalidIp.IpUnassigned";

    /// <summary>The ENI does not exist.</summary>
    public const string EniNotFound = "InvalidEniId.NotFound";

    /// <summary>The instance does not exist.</summary>
    public const string InstanceNotFound = "InvalidEcsId.NotFound";

    /// <summary>The ENI holds its maximum of IPv4 addresses.</summary>
    public const string Ipv4CountExceeded = "InvalidOperation.Ipv4CountExceeded";

    /// <summary>The ENI holds its maximum of IPv6 addresses.</summary>
    public const string Ipv6CountExceeded = "InvalidOperation.Ipv6CountExceeded";

    /// <summary>The ENI's status does not allow the operation.</summary>
    public const string InvalidEniState = "InvalidOperation.InvalidEniState";

    /// <summary>The signature does not match the request.</summary>
    public const string SignatureDoesNotMatch = "SignatureDoesNotMatch";

    /// <summary>The nonce was used before.</summary>
    public const string SignatureNonceUsed = "SignatureNonceUsed";

    /// <summary>The request's date is too far from the server's.</summary>
    public const string TimestampExpired = "InvalidTimeStamp.Expired";

    /// <summary>The STS token is past its expiry.</summary>
    public const string SecurityTokenExpired = "InvalidSecurityToken.Expired";

    /// <summary>The access key is unknown.</summary>
    public const string AccessKeyNotFound = "InvalidAccessKeyId.NotFound";

    /// <summary>True for every code of the throttling family.</summary>
    public static bool IsThrottling(string code) => code.StartsWith(Throttling, StringComparison.Ordinal) || code is ClientRateLimited;

    /// <summary>True when the vSwitch has no address left: another vSwitch may serve, this one will not for a while.</summary>
    public static bool IsVSwitchExhausted(string code) => code is VSwitchIpNotEnough or QuotaExceededPrivateIpAddress;

    /// <summary>True when the credential was refused and a fresh one may be accepted.</summary>
    public static bool IsStaleCredential(string code) =>
        code.StartsWith("InvalidSecurityToken", StringComparison.Ordinal)
        || code.StartsWith("InvalidAccessKeyId", StringComparison.Ordinal)
        || code is "SecurityTokenExpired";

    /// <summary>True for codes a wrong clock produces.</summary>
    public static bool IsClockSuspect(string code) =>
        code.StartsWith("InvalidTimeStamp", StringComparison.OrdinalIgnoreCase) || code is "IllegalTimestamp" or SignatureDoesNotMatch;
}
