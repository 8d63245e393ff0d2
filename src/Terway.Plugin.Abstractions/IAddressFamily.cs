using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Terway.Plugin;

/// <summary>
/// What an address family adds to pools and datapaths. IPv4 is the host's own; without a plugin that exports another family nothing of that
/// family is touched. Providers and datapaths treat all families alike and name none.
/// </summary>
public interface IAddressFamily
{
    /// <summary><see cref="AddressFamily.InterNetwork"/> or <see cref="AddressFamily.InterNetworkV6"/>.</summary>
    AddressFamily Family { get; }

    /// <summary>The link-local next hop of pods behind a veth: 169.254.1.1 or fe80::1.</summary>
    IPAddress PodGateway { get; }

    /// <summary>How many addresses of this family one ENI of this node can hold, its primary address included.</summary>
    int LimitPerEni(NodeFacts node);

    /// <summary>
    /// Parameters of CreateNetworkInterface that ask for <paramref name="count"/> addresses in all on the new ENI, or for as many of them as that
    /// call allows: the rest is asked for by <see cref="AssignAsync"/>.
    /// </summary>
    IReadOnlyList<KeyValuePair<string, string>> CreateParameters(int count);

    /// <summary>The addresses in one element of DescribeNetworkInterfaces' NetworkInterfaceSet, or of CreateNetworkInterface's answer.</summary>
    IReadOnlyList<IPAddress> ReadAddresses(JsonElement networkInterface);

    /// <summary>The subnet in one element of DescribeVSwitches' VSwitch; null when the vSwitch does not have this family.</summary>
    IPNetwork? ReadSubnet(JsonElement vSwitch);

    /// <summary>Adds addresses to an ENI in one cloud call, or as many as one call allows. A repeated call with the same token gives the same addresses.</summary>
    /// <exception cref="CloudException">The cloud refused or could not be reached.</exception>
    Task<IReadOnlyList<IPAddress>> AssignAsync(string eniId, int count, string clientToken, CancellationToken cancellationToken);

    /// <summary>Takes addresses from an ENI in one cloud call. Addresses that are not there any more are no error.</summary>
    /// <exception cref="CloudException">The cloud refused or could not be reached.</exception>
    Task UnassignAsync(string eniId, IReadOnlyList<IPAddress> addresses, CancellationToken cancellationToken);

    /// <summary>
    /// Objects the family needs on the node once (such as forwarding), and for one ENI when <paramref name="eniLink"/> is given: these are made before
    /// the link is brought up.
    /// </summary>
    IReadOnlyList<KernelObject> NodeObjects(string? eniLink);

    /// <summary>Objects the family needs for a pod's links before addresses are added.</summary>
    /// <param name="podLink">The link in the pod.</param>
    /// <param name="hostLink">Its other end on the node, if it has one.</param>
    IReadOnlyList<KernelObject> PodObjects(string podLink, string? hostLink);

    /// <summary>
    /// Length in bits of the prefixes that an ENI can be given in place of single addresses: 28 for IPv4, 80 for IPv6. 0, the default, when the
    /// family has none; then none of the members below that speak of prefixes is called, but <see cref="ReadPrefixes"/>.
    /// </summary>
    int PrefixLength => 0;

    /// <summary>
    /// Parameters of CreateNetworkInterface that ask for <paramref name="count"/> prefixes on the new ENI beside its own address, or for as many of
    /// them as that call allows: the rest is asked for by <see cref="AssignPrefixesAsync"/>. Take the place of those of <see cref="CreateParameters"/>.
    /// </summary>
    /// <exception cref="NotSupportedException">The family has no prefixes.</exception>
    IReadOnlyList<KeyValuePair<string, string>> CreatePrefixParameters(int count) => throw NoPrefixes();

    /// <summary>The prefixes in one element of DescribeNetworkInterfaces' NetworkInterfaceSet, or of CreateNetworkInterface's answer.</summary>
    IReadOnlyList<IPNetwork> ReadPrefixes(JsonElement networkInterface) => [];

    /// <summary>
    /// Adds prefixes to an ENI in one cloud call, or as many as one call allows. Each takes one of the places that
    /// <see cref="LimitPerEni"/> counts. A repeated call with the same token gives the same prefixes.
    /// </summary>
    /// <exception cref="CloudException">The cloud refused or could not be reached.</exception>
    /// <exception cref="NotSupportedException">The family has no prefixes.</exception>
    Task<IReadOnlyList<IPNetwork>> AssignPrefixesAsync(string eniId, int count, string clientToken, CancellationToken cancellationToken) =>
        throw NoPrefixes();

    /// <summary>Takes at most 10 prefixes from an ENI in one cloud call. Prefixes that are not there any more are no error.</summary>
    /// <exception cref="CloudException">The cloud refused or could not be reached.</exception>
    /// <exception cref="NotSupportedException">The family has no prefixes.</exception>
    Task UnassignPrefixesAsync(string eniId, IReadOnlyList<IPNetwork> prefixes, CancellationToken cancellationToken) => throw NoPrefixes();

    private NotSupportedException NoPrefixes() => new($"{Family} has no prefixes");
}
