namespace Terway.Linux.Netlink;

/// <summary>A veth pair, both ends of which are made, named and placed in their namespaces by one message.</summary>
public readonly record struct VethSpec
{
    public required LinkSpec Link { get; init; }

    public required LinkSpec Peer { get; init; }
}
