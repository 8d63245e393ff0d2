using Terway.Linux.Native;

namespace Terway.Linux.Netlink;

public sealed partial class RtnlBatch
{
    /// <summary>EEXIST: the very same rule is there.</summary>
    public RtnlRequest RuleAdd(in IpRule rule) => Rule(rtnetlink.RTM_NEWRULE, Add, rule);

    /// <summary>Deletes the first rule that matches. ENOENT: there is none.</summary>
    public RtnlRequest RuleDelete(in IpRule rule) => Rule(rtnetlink.RTM_DELRULE, Ack, rule);

    private RtnlRequest Rule(ushort type, ushort flags, in IpRule rule)
    {
        var delete = type == rtnetlink.RTM_DELRULE;
        var header = new fib_rule_hdr
        {
            family = FamilyOf(rule.Family),
            src_len = (byte)(rule.From?.Length ?? 0),
            dst_len = (byte)(rule.To?.Length ?? 0),
            table = rule.Table <= byte.MaxValue ? (byte)rule.Table : rtnetlink.RT_TABLE_UNSPEC,
            action = (byte)(rule.Action != RuleAction.Unspecified || delete ? rule.Action : RuleAction.Lookup),
            flags = rule.Invert ? fib_rules.FIB_RULE_INVERT : 0,
        };
        var offset = Begin(type, flags, header);
        if (rule.Priority != 0)
            _writer.Put(fib_rules.FRA_PRIORITY, rule.Priority);
        if (rule.From is { } from)
            PutSelector(fib_rules.FRA_SRC, from, rule);
        if (rule.To is { } to)
            PutSelector(fib_rules.FRA_DST, to, rule);
        if (rule.InputInterface is not null)
            _writer.Put(fib_rules.FRA_IIFNAME, CheckLinkName(rule.InputInterface));
        if (rule.OutputInterface is not null)
            _writer.Put(fib_rules.FRA_OIFNAME, CheckLinkName(rule.OutputInterface));
        if (rule.Mark != 0 || rule.Mask != 0)
        {
            _writer.Put(fib_rules.FRA_FWMARK, rule.Mark);
            if (rule.Mask != 0)
                _writer.Put(fib_rules.FRA_FWMASK, rule.Mask);
        }

        if (rule.Table > byte.MaxValue)
            _writer.Put(fib_rules.FRA_TABLE, rule.Table);
        if (rule.Protocol != 0 || !delete)
            _writer.Put(fib_rules.FRA_PROTOCOL, rule.Protocol != 0 ? rule.Protocol : rtnetlink.RTPROT_BOOT);
        return End(offset);
    }

    private void PutSelector(ushort type, in IpPrefix prefix, in IpRule rule)
    {
        if (prefix.Family != rule.Family)
            throw new ArgumentException($"the selector {prefix} is not of the rule's family {rule.Family}", nameof(prefix));
        // A selector of length 0 is the same as none, and the kernel refuses an address with it.
        if (prefix.Length > 0)
            _writer.Put(type, prefix.Address);
    }
}
