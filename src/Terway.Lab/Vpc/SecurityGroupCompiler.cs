using Terway.Lab.Cloud;
using Terway.Lab.Vpc.Abi;

namespace Terway.Lab.Vpc;

/// <summary>
/// Turns the groups of an ENI into the ordered rules that the datapath walks: priority first, Drop before Accept at the same priority,
/// then what members of a basic group may do among themselves, then the default. Not thread safe.
/// </summary>
internal sealed class SecurityGroupCompiler
{
    private readonly Dictionary<string, SecurityGroupSnapshot> _groups = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _bits = new(StringComparer.Ordinal);

    public void Update(SecurityGroupSnapshot group)
    {
        _groups[group.Id] = group;
        BitOf(group.Id);
    }

    /// <summary>The set of groups as bits.</summary>
    public ulong Bits(IEnumerable<string> groupIds) => groupIds.Aggregate(0UL, (bits, id) => bits | 1UL << BitOf(id));

    /// <exception cref="InvalidOperationException">A group was never announced, or the rules are more than the datapath holds.</exception>
    public Policy Compile(EniSnapshot eni, Direction direction)
    {
        var groups = eni.SecurityGroupIds
            .Select(id => _groups.GetValueOrDefault(id)
                ?? throw new InvalidOperationException($"ENI {eni.Id} is in security group {id}, which the VPC was not told about"))
            .ToArray();
        var wanted = direction == Direction.Ingress ? RuleDirection.Ingress : RuleDirection.Egress;
        var rules = groups.SelectMany(static g => g.Rules)
            .Where(r => r.Direction == wanted)
            .OrderBy(static r => r.Priority)
            .ThenBy(static r => r.Policy == RulePolicy.Drop ? 0 : 1)
            .Select(ToRule)
            .ToList();
        var friends = Bits(groups.Where(static g => g.IntraGroupAccept).Select(static g => g.Id));
        if (friends != 0)
            rules.Add(AnyTraffic() with { Groups = friends, Flags = RuleFlags.Groups | RuleFlags.Accept });
        if (rules.Count > VpcLimits.MaxRules)
            throw new InvalidOperationException(
                $"the groups of ENI {eni.Id} have {rules.Count} {wanted} rules; the lab's VPC holds {VpcLimits.MaxRules}");

        var policy = new Policy
        {
            Count = (uint)rules.Count,
            Accept = direction == Direction.Egress && !groups.Any(static g => g.Enterprise) ? 1u : 0u,
        };
        for (var i = 0; i < rules.Count; i++)
            policy.Rules[i] = rules[i];
        return policy;
    }

    private Rule ToRule(SecurityGroupRule rule)
    {
        var compiled = AnyTraffic();
        compiled.Proto = rule.Protocol switch
        {
            RuleProtocol.Tcp => 6,
            RuleProtocol.Udp => 17,
            RuleProtocol.Icmp => 1,
            RuleProtocol.IcmpV6 => 58,
            _ => VpcLimits.AnyProtocol,
        };
        compiled.PortFirst = (ushort)rule.FromPort;
        compiled.PortLast = (ushort)rule.ToPort;
        if (rule.Policy == RulePolicy.Accept)
            compiled.Flags |= RuleFlags.Accept;
        if (rule.PeerGroupId is { } peer)
        {
            compiled.Flags |= RuleFlags.Groups;
            compiled.Groups = 1UL << BitOf(peer);
        }

        if (rule.PeerCidr is { } cidr)
            (compiled.Addr, compiled.Mask) = AddressBytes.Masked(cidr);
        return compiled;
    }

    private static Rule AnyTraffic() => new() { Proto = VpcLimits.AnyProtocol, PortLast = ushort.MaxValue };

    private int BitOf(string groupId)
    {
        if (_bits.TryGetValue(groupId, out var bit))
            return bit;
        if (_bits.Count == VpcLimits.MaxSecurityGroups)
            throw new InvalidOperationException($"security group {groupId}: the lab's VPC holds {VpcLimits.MaxSecurityGroups} groups");
        return _bits[groupId] = _bits.Count;
    }
}
