using System.Net.Sockets;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.Cli.Mapping;

/// <summary>Links, addresses, routes and rules of a node at one moment.</summary>
internal sealed record KernelSide
{
    public required IReadOnlyList<LinkInfo> Links { get; init; }

    public required IReadOnlyList<LinkAddress> Addresses { get; init; }

    public required IReadOnlyList<IpRoute> Routes { get; init; }

    public required IReadOnlyList<IpRule> Rules { get; init; }

    /// <summary>Of the calling thread's namespace.</summary>
    public static KernelSide Read()
    {
        using var socket = RtnlSocket.Open();
        return Read(socket);
    }

    /// <summary>Of another namespace.</summary>
    public static KernelSide Read(NetNsThread thread, NetNs ns)
    {
        using var socket = RtnlSocket.Open(thread, ns);
        return Read(socket);
    }

    public LinkInfo? Link(string name) => Links.FirstOrDefault(l => l.Name == name);

    /// <summary>The link with this MAC address that was made first: others, such as VLANs, lie over it.</summary>
    public LinkInfo? LinkByMac(string mac) =>
        Links.Where(l => string.Equals(l.Mac?.ToString(), mac, StringComparison.OrdinalIgnoreCase)).MinBy(static l => l.Index);

    private static KernelSide Read(RtnlSocket socket) => new()
    {
        Links = socket.DumpLinks(),
        Addresses = socket.DumpAddresses(),
        Routes = [.. socket.DumpRoutes(AddressFamily.InterNetwork), .. socket.DumpRoutes(AddressFamily.InterNetworkV6)],
        Rules = [.. socket.DumpRules(AddressFamily.InterNetwork), .. socket.DumpRules(AddressFamily.InterNetworkV6)],
    };
}
