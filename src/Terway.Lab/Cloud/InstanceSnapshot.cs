using System.Collections.Immutable;

namespace Terway.Lab.Cloud;

/// <summary>One instance at one instant.</summary>
/// <param name="Enis">The primary ENI first, then in the order of attaching; member ENIs last.</param>
public sealed record InstanceSnapshot(
    string Id,
    string Name,
    InstanceType Type,
    string ZoneId,
    string VpcId,
    string VSwitchId,
    ImmutableSortedDictionary<string, string> Tags,
    DateTimeOffset CreationTime,
    ImmutableArray<EniSnapshot> Enis)
{
    public EniSnapshot PrimaryEni => Enis[0];
}
