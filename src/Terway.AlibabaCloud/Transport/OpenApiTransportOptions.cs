namespace Terway.AlibabaCloud.Transport;

/// <summary>Settings of <see cref="OpenApiTransport"/>.</summary>
public sealed record OpenApiTransportOptions
{
    /// <summary>Region id; sent as <c>RegionId</c> with every call that does not carry one.</summary>
    public required string Region { get; init; }

    /// <summary>Endpoint of ECS (host, host:port or URL); null: see <see cref="CloudEndpoints.Resolve"/>.</summary>
    public string? EcsEndpoint { get; init; }

    /// <summary>Endpoint of VPC; as <see cref="EcsEndpoint"/>.</summary>
    public string? VpcEndpoint { get; init; }

    /// <summary>User-Agent header.</summary>
    public string UserAgent { get; init; } = "Kubernetes.Alicloud/terway.net";

    /// <summary>How long one try may take.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Repeating of failed calls.</summary>
    public RetryOptions Retry { get; init; } = new();

    /// <summary>Calls per minute by API name, over <see cref="ApiRateLimits.Standard"/>.</summary>
    public IReadOnlyDictionary<string, int>? RateLimits { get; init; }

    /// <summary>Longest time a call waits for the own rate limit before it fails; bounds the queue.</summary>
    public TimeSpan MaxRateLimitWait { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Told when the service's clock minus this node's passes five minutes, and when it no longer does. Called on a call's
    /// way back, so it must be quick and must not throw.
    /// </summary>
    public Action<TimeSpan>? OnClockSkew { get; init; }

    /// <summary>Largest answer read, in bytes.</summary>
    public int MaxResponseBytes { get; init; } = 32 * 1024 * 1024;
}
