namespace Terway.Plugins.DataPathV2.Abi;

/// <summary>Why a packet of a pod was dropped, as in dp_abi.h.</summary>
internal enum DropReason : uint
{
    None = 0,
    Malformed = 1,
    SpoofedSource = 2,
    SpoofedMac = 3,
    SpoofedArp = 4,
    Vlan = 5,
    Protocol = 6,
    Internal = 7,

    /// <summary>By the egress limit of its pod it would have to wait longer than <see cref="DpLimits.EgressHorizonNanoseconds"/>.</summary>
    EgressHorizon = 8,

    /// <summary>The same by the ingress limit, whose horizon is <see cref="DpLimits.IngressHorizonNanoseconds"/>.</summary>
    IngressHorizon = 9,
}
