using System.Net;

namespace Terway.Lab.Cloud;

/// <summary>Where a <see cref="LabCloud"/> is reached, and how it knows its callers.</summary>
public sealed record LabCloudOptions
{
    /// <summary>ECS and VPC OpenAPI; empty: not served.</summary>
    public IReadOnlyList<LabListener> OpenApi { get; init; } = [];

    /// <summary>Instance metadata; empty: not served.</summary>
    public IReadOnlyList<LabListener> Metadata { get; init; } = [];

    /// <summary><c>/lab/...</c>; empty: not served.</summary>
    public IReadOnlyList<LabListener> Control { get; init; } = [];

    /// <summary>The instance behind a source address, for the metadata service. Null: the one whose ENI holds the address.</summary>
    public Func<IPAddress, string?>? InstanceOf { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
