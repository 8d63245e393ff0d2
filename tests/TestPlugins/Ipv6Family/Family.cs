using System.Composition;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Terway.Plugin;

namespace Ipv6Family;

[Shared]
[Export(typeof(IAddressFamily))]
public sealed class Family : IAddressFamily
{
    AddressFamily IAddressFamily.Family => AddressFamily.InterNetworkV6;

    public IPAddress PodGateway { get; } = IPAddress.Parse("fe80::1");

    public int LimitPerEni(NodeFacts node) => node.EniIpv6AddressQuantity;

    public IReadOnlyList<KeyValuePair<string, string>> CreateParameters(int count) => [];

    public IReadOnlyList<IPAddress> ReadAddresses(JsonElement networkInterface) => [];

    public IPNetwork? ReadSubnet(JsonElement vSwitch) => null;

    public Task<IReadOnlyList<IPAddress>> AssignAsync(string eniId, int count, string clientToken, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<IPAddress>>([]);

    public Task UnassignAsync(string eniId, IReadOnlyList<IPAddress> addresses, CancellationToken cancellationToken) => Task.CompletedTask;

    public IReadOnlyList<KernelObject> NodeObjects(string? eniLink) => [];

    public IReadOnlyList<KernelObject> PodObjects(string podLink, string? hostLink) => [];
}
