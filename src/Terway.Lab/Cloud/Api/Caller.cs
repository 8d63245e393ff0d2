namespace Terway.Lab.Cloud.Api;

/// <summary>Who signed a request.</summary>
/// <param name="InstanceId">Set for role credentials; then the role's policy applies.</param>
internal sealed record Caller(string AccessKeyId, string? InstanceId);
