using System.Collections.Immutable;
using System.Net;

namespace Terway.Lab.Cloud;

/// <summary>What one assign call added.</summary>
public sealed record AssignedAddresses(string EniId, ImmutableArray<IPAddress> Addresses, ImmutableArray<IPNetwork> Prefixes);
