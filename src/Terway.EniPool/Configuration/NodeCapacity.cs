using System.Globalization;

namespace Terway.EniPool.Configuration;

/// <summary>What the instance type and the settings allow on this node.</summary>
/// <param name="MaxEnis">Secondary ENIs at most.</param>
/// <param name="PerEni">Pods per ENI: the smallest of the active families' limits.</param>
/// <param name="Unit">Addresses that come and go together: 1, or those of a prefix.</param>
/// <param name="Fixed">Addresses to hold all the time, whatever the demand; null when the watermarks and the demand decide.</param>
/// <param name="Arithmetic">How <see cref="Total"/> came about, for messages.</param>
internal sealed record NodeCapacity(int MaxEnis, int PerEni, int Unit, int? Fixed, string Arithmetic)
{
    /// <summary>A node joins a cluster only with more pod addresses than this (ACK's rule for shared ENIs).</summary>
    public const int JoinThreshold = 11;

    // ECS: an ENI that is not attached takes 49 secondary addresses, and a call 10 prefixes.
    private const int AddressesPerCall = 49;
    private const int PrefixesPerCall = 10;

    public int Total => Math.Min(MaxEnis * PerEni, Fixed ?? int.MaxValue);

    public bool UsesPrefixes => Unit > 1;

    /// <summary>Pod addresses that one call can add to an ENI.</summary>
    public int PerCall => UsesPrefixes ? PrefixesPerCall * Unit : AddressesPerCall;

    /// <summary>Pod addresses that a new ENI can come with; its own is one, unless prefixes are used.</summary>
    public int PerNewEni => Math.Min(PerEni, UsesPrefixes ? PerCall : AddressesPerCall + 1);

    /// <summary>As many addresses as whole units hold, at least <paramref name="addresses"/>.</summary>
    public int RoundUp(int addresses) => (addresses + Unit - 1) / Unit * Unit;

    /// <summary>As many addresses as whole units hold, at most <paramref name="addresses"/>.</summary>
    public int RoundDown(int addresses) => addresses / Unit * Unit;

    /// <summary>Addresses that a new ENI takes of its vSwitch beside those for pods: its own.</summary>
    public int OwnExtra => UsesPrefixes ? 1 : 0;

    /// <summary>What to ask for on a new ENI whose vSwitch has only so many addresses left: one unit at least, and the cloud decides.</summary>
    public int AtMost(int slots, long left) => Math.Max(RoundDown((int)Math.Min(left - OwnExtra, slots)), Unit);

    /// <exception cref="PodNetworkException">Prefixes are asked for, and the active address families do not have them.</exception>
    public static NodeCapacity Compute(NodeFacts node, IReadOnlyList<IAddressFamily> families, PoolSettings settings)
    {
        var attachable = Math.Max(0, node.EniQuantity - 1);
        var scaled = (int)(node.EniQuantity * settings.EniCapRatio) + settings.EniCapShift - 1;
        var enis = Math.Clamp(scaled, 0, attachable);
        var limits = families.Select(f => Math.Max(0, f.LimitPerEni(node))).ToArray();
        var perEni = limits.Length == 0 ? 0 : limits.Min();

        var left = $"(EniQuantity - 1)";
        var numbers = $"({node.EniQuantity} - 1)";
        if (settings.EniCapRatio != 1 || settings.EniCapShift != 0)
        {
            left = "(EniQuantity x eni_cap_ratio + eni_cap_shift - 1)";
            numbers = string.Create(
                CultureInfo.InvariantCulture, $"({node.EniQuantity} x {settings.EniCapRatio} + {settings.EniCapShift} - 1)");
        }

        if (settings.MaxEni > 0 && settings.MaxEni < enis)
        {
            enis = settings.MaxEni;
            left = $"min({left}, max_eni)";
            numbers = $"min({numbers}, {settings.MaxEni})";
        }

        if (settings.UsePrefixes)
        {
            return OfPrefixes(families, settings, enis, perEni, left, numbers);
        }

        var right = limits.Length > 1 ? "addresses per ENI of every family" : "EniPrivateIpAddressQuantity";
        return new(enis, perEni, 1, null, $"{left} x {right} = {numbers} x {perEni} = {enis * perEni}");
    }

    // An ENI's own address takes one of its places and serves no pod; each other place takes a prefix.
    private static NodeCapacity OfPrefixes(
        IReadOnlyList<IAddressFamily> families, PoolSettings settings, int enis, int places, string left, string numbers)
    {
        if (families is not [{ PrefixLength: > 0 } family] || family.PodGateway.GetAddressBytes().Length != 4)
        {
            throw new PodNetworkException(
                "configuration", $"enable_ip_prefix is for IPv4 alone, but {string.Join(" and ", families.Select(f => f.Family))} are active",
                "write \"enable_ip_prefix\": false, or \"ip_stack\": \"ipv4\" and no plugin of another address family", canRetry: false);
        }

        var unit = 1 << (32 - family.PrefixLength);
        var perEni = Math.Max(0, places - 1) * unit;
        var arithmetic = $"{left} x (EniPrivateIpAddressQuantity - 1) x {unit} = {numbers} x ({places} - 1) x {unit} = {enis * perEni}";
        if (settings.PrefixCount == 0)
        {
            return new(enis, perEni, unit, null, arithmetic);
        }

        var wanted = settings.PrefixCount * unit;
        return new(enis, perEni, unit, wanted, $"min({arithmetic}, ipv4_prefix_count x {unit} = {wanted})");
    }
}
