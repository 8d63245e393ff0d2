namespace Terway.Lab.Config;

/// <summary>How long the cloud takes for its asynchronous work. The defaults are what a quiet region needs.</summary>
public sealed record DelayConfig
{
    public TimeSpan Attach { get; init; } = TimeSpan.FromSeconds(1.5);

    public TimeSpan Detach { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan Delete { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Added to every OpenAPI answer.</summary>
    public TimeSpan Call { get; init; } = TimeSpan.Zero;

    public static DelayConfig None { get; } = new()
    {
        Attach = TimeSpan.Zero,
        Detach = TimeSpan.Zero,
        Delete = TimeSpan.Zero,
    };
}
