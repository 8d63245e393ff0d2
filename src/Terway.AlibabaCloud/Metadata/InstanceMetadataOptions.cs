namespace Terway.AlibabaCloud.Metadata;

/// <summary>Settings of <see cref="InstanceMetadata"/>.</summary>
public sealed record InstanceMetadataOptions
{
    /// <summary>Address of the service; inside an instance always the default.</summary>
    public Uri BaseAddress { get; init; } = new("http://100.100.100.200/");

    /// <summary>Use of session tokens.</summary>
    public MetadataTokenMode TokenMode { get; init; } = MetadataTokenMode.Auto;

    /// <summary>Lifetime asked for a token; it is renewed at half of it. The service allows 1 s to 6 h.</summary>
    public TimeSpan TokenLifetime { get; init; } = TimeSpan.FromSeconds(21600);

    /// <summary>How long one try may take. The service is one hop away: waiting longer only hides that it is not there.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Tries in all.</summary>
    public int MaxAttempts { get; init; } = 4;

    /// <summary>Pause after the first failed try; each further one is 1.2 times longer.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(500);
}
