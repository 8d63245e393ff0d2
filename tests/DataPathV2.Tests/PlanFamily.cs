using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Terway.Plugins.DataPathV2.Tests;

/// <summary>As much of an address family as a plan asks for.</summary>
internal sealed class PlanFamily(AddressFamily family) : IAddressFamily
{
    public AddressFamily Family => family;

    public IPAddress PodGateway => IPAddress.Parse(family == AddressFamily.InterNetwork ? "169.254.1.1" : "fe80::1");

    public IReadOnlyList<KernelObject> PodObjects(string podLink, string? hostLink) => [];

    public IReadOnlyList<KernelObject> NodeObjects(string? eniLink) => throw new NotSupportedException();

    public int LimitPerEni(NodeFacts node) => throw new NotSupportedException();

    public IReadOnlyList<KeyValuePair<string, string>> CreateParameters(int count) => throw new NotSupportedException();

    public IReadOnlyList<IPAddress> ReadAddresses(JsonElement networkInterface) => throw new NotSupportedException();

    public IPNetwork? ReadSubnet(JsonElement vSwitch) => throw new NotSupportedException();

    public Task<IReadOnlyList<IPAddress>> AssignAsync(string eniId, int count, string clientToken, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task UnassignAsync(string eniId, IReadOnlyList<IPAddress> addresses, CancellationToken cancellationToken) => throw new NotSupportedException();
}
