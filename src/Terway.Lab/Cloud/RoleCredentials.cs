namespace Terway.Lab.Cloud;

/// <summary>One set of temporary credentials of an instance's RAM role.</summary>
public sealed record RoleCredentials(
    string InstanceId, string AccessKeyId, string AccessKeySecret, string SecurityToken, DateTimeOffset IssuedAt, DateTimeOffset Expiration)
{
    /// <summary>Without the secrets.</summary>
    public override string ToString() => $"{AccessKeyId} of {InstanceId}, expires {Expiration:O}";
}
