namespace Terway.Lab.Config;

public sealed record MetadataConfig
{
    /// <summary>True: reads without a token are refused with 403 (the hardened mode).</summary>
    public bool TokenRequired { get; init; }

    /// <summary>How long the metadata service shows the state before a change.</summary>
    public TimeSpan Lag { get; init; } = TimeSpan.Zero;
}
