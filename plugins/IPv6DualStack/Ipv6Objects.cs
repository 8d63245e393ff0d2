namespace Terway.Plugins.IPv6DualStack;

/// <summary>
/// Kernel parameters without which a node does not carry its pods' IPv6, and no others. The host puts back what it found when nobody asks for them
/// any more.
/// </summary>
internal static class Ipv6Objects
{
    /// <summary>What the node needs once.</summary>
    /// <param name="primaryLink">The operating system's link, when it follows router advertisements; null when it does not.</param>
    public static IReadOnlyList<KernelObject> Node(string? primaryLink) =>
    [
        // A router ignores advertisements, and the kernel drops the default route it learned from them as soon as it forwards, unless it is told
        // otherwise (Documentation/networking/ip-sysctl.rst, accept_ra 2): the node itself would lose its IPv6.
        .. primaryLink is null ? (IEnumerable<KernelObject>)[] : [Of(primaryLink, "accept_ra", "2")],
        // Only this one lets the kernel forward: the links' own say whether they are a router's or a host's. It sets the default for new links along,
        // which is therefore put back along.
        Of("all", "forwarding", "1"),
        Of("default", "forwarding", "1"),
    ];

    /// <summary>What an ENI's link needs, before it is brought up.</summary>
    public static IReadOnlyList<KernelObject> Eni(string link) =>
    [
        // Routes come from the ENI's own table: an advertisement's default route in the main table would lead node traffic out by this link.
        Of(link, "accept_ra", "0"),
        // The link-local address is what the gateway is asked from for a pod's packets: until it is past detection they would wait.
        Of(link, "accept_dad", "0"),
        Of(link, "disable_ipv6", "0"),
    ];

    /// <summary>What a pod's links need before they get addresses.</summary>
    public static IReadOnlyList<KernelObject> Pod(string podLink, string? hostLink) =>
    [
        Of(podLink, "accept_ra", "0") with { InPod = true },
        // Runtimes may make sandboxes without IPv6.
        Of("lo", "disable_ipv6", "0") with { InPod = true },
        Of(podLink, "disable_ipv6", "0") with { InPod = true },
        // A pod must not be able to make itself the node's router.
        .. hostLink is null ? (IEnumerable<KernelObject>)[] : [Of(hostLink, "accept_ra", "0"), Of(hostLink, "disable_ipv6", "0")],
    ];

    private static KernelObject.Sysctl Of(string link, string parameter, string value) => new($"net/ipv6/conf/{link}/{parameter}", value);
}
