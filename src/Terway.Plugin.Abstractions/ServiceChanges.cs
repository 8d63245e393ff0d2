namespace Terway.Plugin;

/// <summary>What became different since the element before; in the first one, everything that is known.</summary>
public sealed record ServiceChanges
{
    /// <summary>New and changed Services, whole.</summary>
    public required IReadOnlyList<Service> Changed { get; init; }

    /// <summary>Services that are no more.</summary>
    public required IReadOnlyList<ServiceName> Removed { get; init; }

    /// <summary>
    /// Whether every Service that exists has been told by now. Until then (a part of the source could not be read, say) whoever has Services from an
    /// earlier life keeps those that were not told.
    /// </summary>
    public required bool Complete { get; init; }
}

/// <summary>What a Service is called.</summary>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name there.</param>
public readonly record struct ServiceName(string Namespace, string Name)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Namespace}/{Name}";
}
