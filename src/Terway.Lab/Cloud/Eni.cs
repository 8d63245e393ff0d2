using System.Collections.Immutable;
using System.Net;

namespace Terway.Lab.Cloud;

/// <summary>Mutable state of one ENI; only the region touches it, under its lock.</summary>
internal sealed class Eni
{
    public required string Id { get; init; }

    public required string Mac { get; init; }

    public required EniType Type { get; init; }

    /// <summary>Order of creation: what paging walks along.</summary>
    public required long Sequence { get; init; }

    public required VSwitch VSwitch { get; init; }

    public required IPAddress PrimaryIp { get; init; }

    public required DateTimeOffset CreationTime { get; init; }

    public required CreateEniRequest Request { get; set; }

    public EniStatus Status { get; set; } = EniStatus.Available;

    public ImmutableArray<IPAddress> SecondaryIps { get; set; } = [];

    public ImmutableArray<IPNetwork> Ipv4Prefixes { get; set; } = [];

    public ImmutableArray<IPAddress> Ipv6Addresses { get; set; } = [];

    public ImmutableArray<IPNetwork> Ipv6Prefixes { get; set; } = [];

    public ImmutableArray<string> SecurityGroupIds { get; set; }

    public Instance? Instance { get; set; }

    public int? DeviceIndex { get; set; }

    public int NetworkCardIndex { get; set; }

    public Eni? Trunk { get; set; }

    /// <summary>An address change is on its way to the data plane; another one is refused with Operation.Conflict.</summary>
    public bool Busy { get; set; }

    /// <summary>Data-plane calls of this ENI, one after the other.</summary>
    public SerialQueue Fabric { get; } = new();

    /// <summary>What counts against EniPrivateIpAddressQuantity: every address and every prefix takes one slot.</summary>
    public int Ipv4Slots => 1 + SecondaryIps.Length + Ipv4Prefixes.Length;

    public int Ipv6Slots => Ipv6Addresses.Length + Ipv6Prefixes.Length;

    /// <summary>IPv4 addresses that belong to the ENI, those inside prefixes included.</summary>
    public int Ipv4Count => 1 + SecondaryIps.Length + (Ipv4Prefixes.Length * Ipv4Pool.PrefixSize);

    public EniSnapshot Snapshot() => new()
    {
        Id = Id,
        Mac = Mac,
        Type = Type,
        Status = Status,
        ZoneId = VSwitch.ZoneId,
        VpcId = VSwitch.VpcId,
        VSwitchId = VSwitch.Id,
        VSwitchCidr = VSwitch.Cidr,
        Gateway = VSwitch.Gateway,
        VSwitchIpv6Cidr = VSwitch.Ipv6Cidr,
        Ipv6Gateway = VSwitch.Ipv6Gateway,
        PrimaryIp = PrimaryIp,
        PrivateIps = [PrimaryIp, .. SecondaryIps],
        Ipv4Prefixes = Ipv4Prefixes,
        Ipv6Addresses = Ipv6Addresses,
        Ipv6Prefixes = Ipv6Prefixes,
        SecurityGroupIds = SecurityGroupIds,
        Tags = Request.Tags,
        InstanceId = Instance?.Id,
        DeviceIndex = DeviceIndex,
        NetworkCardIndex = NetworkCardIndex,
        TrunkEniId = Trunk?.Id,
        Vlan = Type == EniType.Member ? DeviceIndex : null,
        Name = Request.Name,
        Description = Request.Description,
        ResourceGroupId = Request.ResourceGroupId,
        TrafficMode = Request.TrafficMode,
        DeleteOnRelease = Request.DeleteOnRelease,
        SourceDestCheck = Request.SourceDestCheck,
        CreationTime = CreationTime,
    };
}
