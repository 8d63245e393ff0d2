using System.Collections.Immutable;
using System.Net;

namespace Terway.Lab.Cloud;

/// <summary>What to add to an ENI: a number of addresses, named addresses, or a number of prefixes; one of the three.</summary>
public sealed record AddressRequest
{
    public int Count { get; init; }

    public ImmutableArray<IPAddress> Addresses { get; init; } = [];

    public int PrefixCount { get; init; }
}
