using System.Net;
using Terway.Lab.Nodes;
using Terway.Lab.Vpc.Abi;
using Terway.Linux;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.Lab.Vpc;

/// <summary>
/// The way out of the VPC: a namespace that masquerades, and behind it one with an outside host. The outside has no route back into the
/// VPC, so that a packet that left without translation is never answered.
/// </summary>
public sealed class NatGateway : IDisposable
{
    private const string NatPart = "nat";
    private const string OutsidePart = "wan";
    private readonly LabNamespaces _namespaces;

    private NatGateway(LabNamespaces namespaces, NetNs outside)
    {
        _namespaces = namespaces;
        Outside = outside;
    }

    /// <summary>The namespace of the outside host, <see cref="Infrastructure.OutsideHost"/>.</summary>
    public NetNs Outside { get; }

    /// <param name="vpcCidrs">what the VPC holds: the way back</param>
    public static async Task<NatGateway> CreateAsync(
        LabNamespaces namespaces, VpcFabric vpc, IReadOnlyList<IPNetwork> vpcCidrs, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(namespaces);
        ArgumentNullException.ThrowIfNull(vpc);
        ArgumentNullException.ThrowIfNull(vpcCidrs);
        try
        {
            var nat = namespaces.Create(NatPart);
            var outside = namespaces.Create(OutsidePart);
            Sysctl.Write(namespaces.Thread, nat, "net/ipv4/ip_forward", "1");
            ConnectOutside(namespaces, nat, outside);
            vpc.ConnectInfrastructure(
                Infrastructure.NatEni, EniFlags.Nat, NatPart, Infrastructure.NatMac, nat, "vpc0", [IPNetwork.Parse("0.0.0.0/0")]);
            using (var setup = new LinkSetup(namespaces.Thread, nat))
            {
                setup.Up("lo");
                setup.Up("vpc0");
                setup.Address("vpc0", IpPrefix.Host(Infrastructure.NatInsideAddress));
                foreach (var cidr in vpcCidrs.Where(static c => c.BaseAddress.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork))
                    setup.Route(cidr, "vpc0", Infrastructure.InfrastructureNextHop);
            }

            await MasqueradeAsync(namespaces, ct);
            return new NatGateway(namespaces, outside);
        }
        catch
        {
            namespaces.Delete(OutsidePart);
            namespaces.Delete(NatPart);
            throw;
        }
    }

    public void Dispose()
    {
        _namespaces.Delete(OutsidePart);
        _namespaces.Delete(NatPart);
    }

    private static void ConnectOutside(LabNamespaces namespaces, NetNs nat, NetNs outside)
    {
        using (var rtnl = RtnlSocket.Open(namespaces.Thread, nat))
        using (var batch = new RtnlBatch())
        {
            batch.VethAdd(new VethSpec
            {
                Link = new LinkSpec { Name = "wan0", Up = true },
                Peer = new LinkSpec { Name = "wan0", NetNs = outside },
            });
            rtnl.ExecuteOrThrow(batch);
        }

        using (var setup = new LinkSetup(namespaces.Thread, nat))
            setup.Address("wan0", new IpPrefix(Infrastructure.NatOutsideAddress, Infrastructure.OutsidePrefixLength));
        using (var setup = new LinkSetup(namespaces.Thread, outside))
        {
            setup.Up("lo");
            setup.Up("wan0");
            setup.Address("wan0", new IpPrefix(Infrastructure.OutsideHost, Infrastructure.OutsidePrefixLength));
        }
    }

    private static async Task MasqueradeAsync(LabNamespaces namespaces, CancellationToken ct)
    {
        const string rules = """
            table ip nat {
                chain postrouting {
                    type nat hook postrouting priority srcnat;
                    oifname "wan0" masquerade
                }
            }
            """;
        var result = await NamespaceCommand.RunAsync(
            NamedNetNs.PathOf(namespaces.NameOf(NatPart)), "nft", ["-f", "-"], null, rules, ct);
        result.ThrowIfFailed("set up the NAT gateway's nftables rules (is the package nftables installed?)");
    }
}
