using System.Runtime.CompilerServices;
using Terway.Linux.Bpf;
using Terway.Plugins.DataPathV2.Abi;
using Terway.Plugins.DataPathV2.Configuration;
using Terway.Plugins.DataPathV2.Services;

namespace Terway.Plugins.DataPathV2.Pins;

/// <summary>What a map is made as; the same as in dp_maps.h but for its size, which a test compares.</summary>
/// <param name="Name">Its name and the name of its pin.</param>
/// <param name="Type">Its type.</param>
/// <param name="KeySize">Bytes.</param>
/// <param name="ValueSize">Bytes, of one CPU.</param>
/// <param name="MaxEntries">How many entries it can hold.</param>
/// <param name="Sparse">Whether an entry takes memory only when it is there.</param>
/// <param name="About">The map, before it in the list, of which this array says what it can hold: made later than that one, it says "everything".</param>
internal sealed record MapShape(string Name, BpfMapType Type, int KeySize, int ValueSize, uint MaxEntries, bool Sparse = false, string? About = null)
{
    private const uint NoPreallocation = 1;

    // ENIs of the largest instance types are some dozens; networks are the node's addresses and those of the settings.
    private const uint MaxEnis = 256;
    private const uint MaxNetworks = 1024;

    // Of a family that the node does not have: a map there must be, memory it need not take.
    private const uint Unused = 64;

    // Of tries the kernel asks for it.
    public uint Flags => Sparse || Type == BpfMapType.LpmTrie ? NoPreallocation : 0;

    /// <param name="settings">How large those are that a pool can size.</param>
    /// <param name="withIpv6">Whether the node has IPv6.</param>
    public static IReadOnlyList<MapShape> All(DatapathSettings settings, bool withIpv6) =>
    [
        new(DatapathPins.Pods4, BpfMapType.Hash, sizeof(uint), Unsafe.SizeOf<Pod>(), settings.MaxPodAddresses),
        new(DatapathPins.Pods6, BpfMapType.Hash, Unsafe.SizeOf<Address16>(), Unsafe.SizeOf<Pod>(), withIpv6 ? settings.MaxPodAddresses : Unused),
        new(DatapathPins.Senders4, BpfMapType.Array, sizeof(uint), Unsafe.SizeOf<Sender4>(), DpLimits.Senders),
        new(DatapathPins.Senders6, BpfMapType.PerCpuArray, sizeof(uint), Unsafe.SizeOf<Sender6>(), DpLimits.Senders),
        new(DatapathPins.Enis, BpfMapType.Hash, Unsafe.SizeOf<EniKey>(), Unsafe.SizeOf<Eni>(), MaxEnis),
        new(DatapathPins.Stack4, BpfMapType.LpmTrie, Unsafe.SizeOf<Net4>(), sizeof(uint), MaxNetworks),
        new(DatapathPins.Stack6, BpfMapType.LpmTrie, Unsafe.SizeOf<Net6>(), sizeof(uint), withIpv6 ? MaxNetworks : Unused),
        new(DatapathPins.Flows4, BpfMapType.LruHash, Unsafe.SizeOf<Flow4>(), sizeof(byte), settings.MaxStackFlows),
        new(DatapathPins.Flows6, BpfMapType.LruHash, Unsafe.SizeOf<Flow6>(), sizeof(byte), withIpv6 ? settings.MaxStackFlows : Unused),
        new(DatapathPins.Hints4, BpfMapType.Array, sizeof(uint), Unsafe.SizeOf<Hints>(), DpLimits.Hints / DpLimits.HintRow, About: DatapathPins.Flows4),
        new(DatapathPins.Hints6, BpfMapType.Array, sizeof(uint), Unsafe.SizeOf<Hints>(), DpLimits.Hints / DpLimits.HintRow, About: DatapathPins.Flows6),
        // Of each family's addresses; of pods.
        new(DatapathPins.Limits, BpfMapType.Hash, Unsafe.SizeOf<LimitKey>(), Unsafe.SizeOf<Limit>(), 2 * settings.MaxPodAddresses, Sparse: true),
        new(DatapathPins.Paces, BpfMapType.Hash, sizeof(uint), Unsafe.SizeOf<Pace>(), settings.MaxPodAddresses, Sparse: true),
        new(DatapathPins.Drops, BpfMapType.PerCpuArray, sizeof(uint), sizeof(ulong), DpLimits.MaxDropReasons),
        new(DatapathPins.Paths, BpfMapType.PerCpuArray, sizeof(uint), sizeof(ulong), DpLimits.MaxPaths),
    ];

    /// <summary>Those of the socket hooks.</summary>
    public static IReadOnlyList<MapShape> OfServices(DatapathSettings settings) =>
    [
        new(ServicePins.Frontends, BpfMapType.Hash, Unsafe.SizeOf<SvcAddress>(), Unsafe.SizeOf<SvcFrontend>(), settings.MaxServiceAddresses, Sparse: true),
        new(ServicePins.Slots, BpfMapType.Array, sizeof(uint), Unsafe.SizeOf<SvcSlot>(), settings.MaxServiceBackends),
        new(ServicePins.Members, BpfMapType.Hash, Unsafe.SizeOf<SvcMember>(), sizeof(uint), settings.MaxServiceBackends, Sparse: true),
        new(ServicePins.Choices, BpfMapType.LruHash, Unsafe.SizeOf<SvcClient>(), Unsafe.SizeOf<SvcChoice>(), settings.MaxServiceFlows),
        new(ServicePins.Peers, BpfMapType.LruHash, Unsafe.SizeOf<SvcPeer>(), Unsafe.SizeOf<SvcAddress>(), settings.MaxServiceFlows),
        new(ServicePins.Outcomes, BpfMapType.PerCpuArray, sizeof(uint), sizeof(ulong), SvcLimits.MaxOutcomes),
    ];

    /// <summary>Whether a map can be used as this one, but for its size.</summary>
    public bool Fits(BpfMap map) => map.Type == Type && map.KeySize == KeySize && map.ValueSize == ValueSize;

    public BpfMap Create() => BpfMap.Create(Type, KeySize, ValueSize, MaxEntries, Flags, Name);
}
