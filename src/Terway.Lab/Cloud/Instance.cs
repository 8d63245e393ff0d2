using System.Collections.Immutable;

namespace Terway.Lab.Cloud;

/// <summary>Mutable state of one instance; only the region touches it, under its lock.</summary>
internal sealed class Instance
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public required InstanceType Type { get; init; }

    public required VSwitch VSwitch { get; init; }

    public required ImmutableSortedDictionary<string, string> Tags { get; init; }

    public required DateTimeOffset CreationTime { get; init; }

    /// <summary>Primary, secondary and trunk ENIs in any state from Attaching to Detaching.</summary>
    public List<Eni> Enis { get; } = [];

    /// <summary>Member ENIs on the instance's trunk.</summary>
    public List<Eni> Members { get; } = [];

    public MetadataHistory Metadata { get; } = new();

    public InstanceSnapshot Snapshot() => new(
        Id, Name, Type, VSwitch.ZoneId, VSwitch.VpcId, VSwitch.Id, Tags, CreationTime, [.. Enis.Concat(Members).Select(static e => e.Snapshot())]);
}
