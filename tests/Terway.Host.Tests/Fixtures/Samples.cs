using System.Net;
using System.Text.Json;
using Terway.Cni.Wire;
using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host.Tests.Fixtures;

/// <summary>Records and requests to vary.</summary>
internal static class Samples
{
    public static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Where the sample plan's map and program are pinned.</summary>
    public const string Pins = "sample-v1";

    public static readonly NodeLink EniLink = new("eth1", 5, "02:00:00:00:00:05", 1500);

    public static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement.Clone();

    public static PodInterface Pod(string container = "c1", string name = "web", string netNs = "/run/netns/x") =>
        new() { ContainerId = container, IfName = "eth0", NetNsPath = netNs, Namespace = "default", Name = name };

    public static Allocation Allocation(string address = "10.0.0.7", int serial = 1) => new()
    {
        EniId = "eni-1",
        EniMac = EniLink.Mac,
        Vlan = serial,
        Addresses = [new PodAddress(IPAddress.Parse(address), IPNetwork.Parse("10.0.0.0/24"), IPAddress.Parse("10.0.0.253"))],
    };

    public static Attachment Attachment(string container = "c1", string address = "10.0.0.7") => new()
    {
        Pod = Pod(container),
        Allocation = Allocation(address),
        EniLink = EniLink,
        HostLinkName = "cali0123456789a",
        HostLinkMac = "02:00:00:00:01:01",
        PodLinkMac = "02:00:00:00:01:02",
        Mtu = 1500,
    };

    /// <summary>One object of every kind there is.</summary>
    public static IReadOnlyList<KernelObject> EveryKind(string eni = "eth1") =>
    [
        new KernelObject.Veth("cali0123456789a", "eth0", "02:00:00:00:01:01", "02:00:00:00:01:02", 1400),
        new KernelObject.Link(eni, 1500),
        new KernelObject.Sysctl("net/ipv4/conf/cali0123456789a/proxy_arp", "1"),
        new KernelObject.Address("eth0", IPAddress.Parse("10.0.0.7"), 32) { InPod = true },
        new KernelObject.Neighbour("eth0", IPAddress.Parse("169.254.1.1"), "02:00:00:00:01:01") { InPod = true },
        new KernelObject.Route("eth0", IPNetwork.Parse("0.0.0.0/0"), IPAddress.Parse("169.254.1.1")) { InPod = true },
        new KernelObject.Sysctl("net/ipv4/conf/eth0/arp_notify", "1") { InPod = true },
        new KernelObject.Neighbour("cali0123456789a", IPAddress.Parse("10.0.0.7"), "02:00:00:00:01:02"),
        new KernelObject.Route("cali0123456789a", IPNetwork.Parse("10.0.0.7/32")),
        new KernelObject.Route(eni, IPNetwork.Parse("0.0.0.0/0"), IPAddress.Parse("10.0.0.253"), 1005),
        new KernelObject.Rule(512, null, IPNetwork.Parse("10.0.0.7/32"), 254),
        new KernelObject.Rule(2048, IPNetwork.Parse("10.0.0.7/32"), null, 1005),
        new KernelObject.Refusal(eni, System.Net.Sockets.AddressFamily.InterNetwork, 2047),
        new KernelObject.TokenBucket("cali0123456789a", 1_250_000, 125_000, 312_500),
        new KernelObject.Address(eni, IPAddress.Parse("192.168.9.1"), 24),
        new KernelObject.PinFolder("made-v1"),
        new KernelObject.TcProgram("cali0123456789a", Ingress: true, $"{Pins}/count_tc", 25000),
        new KernelObject.TcProgram(eni, Ingress: false, $"{Pins}/count_tc", 25000),
        new KernelObject.MapEntry($"{Pins}/packets", "0a000007", "0100000000000000", "cali0123456789a", 4),
    ];

    public static AttachmentRecord Record(string container = "c1", string address = "10.0.0.7") => new()
    {
        Attachment = Attachment(container, address),
        NetNsInode = 4026531840,
        Objects = EveryKind(),
        Provider = "SharedEni/1.2.3",
        Datapath = "SharedEni/1.2.3",
        CreatedAt = Now,
    };

    public static CniRequest Request(string verb, string container = "c1", string netNs = "/run/netns/x", string pod = "web", string config = "{\"cniVersion\":\"1.0.0\"}") => new()
    {
        Verb = verb,
        ContainerId = container,
        IfName = "eth0",
        NetNs = netNs,
        Args = $"IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME={pod}",
        Config = Json(config),
    };
}
