namespace Terway.Lab.Cloud;

/// <summary>An answer that the cloud refuses with; becomes the error JSON of the OpenAPI.</summary>
public sealed class CloudException(int httpStatus, string code, string message) : Exception(message)
{
    public int HttpStatus { get; } = httpStatus;

    public string Code { get; } = code;

    /// <summary>Sent as <c>x-acs-retry-after</c>, in milliseconds.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
