namespace Terway.Lab.Config;

/// <summary>A long-lived key of an account that may call every action.</summary>
public sealed record AccessKeyConfig
{
    public required string Id { get; init; }

    public required string Secret { get; init; }
}
