namespace Terway.Linux.Netlink;

/// <summary>What a monitor listens to; both address families.</summary>
[Flags]
public enum RtnlGroups
{
    None = 0,
    Links = 1,
    Addresses = 2,
    Routes = 4,
    Rules = 8,
    Neighbours = 16,

    /// <summary>Qdiscs and filters.</summary>
    TrafficControl = 32,
}

/// <summary>A change that the kernel told of.</summary>
public abstract record RtnlEvent
{
    private protected RtnlEvent()
    {
    }

    /// <summary>Made, or changed, unless <paramref name="Removed"/>.</summary>
    public sealed record LinkChanged(LinkInfo Link, bool Removed) : RtnlEvent;

    /// <inheritdoc cref="LinkChanged"/>
    public sealed record AddressChanged(LinkAddress Address, bool Removed) : RtnlEvent;

    /// <summary>
    /// Made, or replaced, unless <paramref name="Removed"/>. The kernel does not tell of IPv4 routes that go with their link or their
    /// source address: listen to links and addresses too.
    /// </summary>
    public sealed record RouteChanged(IpRoute Route, bool Removed) : RtnlEvent;

    /// <inheritdoc cref="LinkChanged"/>
    public sealed record RuleChanged(IpRule Rule, bool Removed) : RtnlEvent;

    /// <inheritdoc cref="LinkChanged"/>
    public sealed record NeighbourChanged(IpNeighbour Neighbour, bool Removed) : RtnlEvent;

    /// <inheritdoc cref="LinkChanged"/>
    public sealed record QdiscChanged(QdiscInfo Qdisc, bool Removed) : RtnlEvent;

    /// <inheritdoc cref="LinkChanged"/>
    public sealed record FilterChanged(FilterInfo Filter, bool Removed) : RtnlEvent;

    /// <summary>Events were lost (a buffer was full): compare everything with the kernel by dumps.</summary>
    public sealed record Resync : RtnlEvent;
}
