namespace Terway.AlibabaCloud.Errors;

/// <summary>What an error code says about trying the same request again.</summary>
internal enum RetryClass
{
    /// <summary>It will fail the same way.</summary>
    Never,

    /// <summary>It was refused before it had any effect: always safe to repeat.</summary>
    Refused,

    /// <summary>It may have had its effect: safe to repeat only when the action is idempotent or carries a ClientToken.</summary>
    Unknown,
}
