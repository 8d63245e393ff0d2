using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Terway.Linux.Native;

namespace Terway.Linux.Netlink;

public sealed partial class RtnlBatch
{
    /// <summary>tc's default for the largest packet of a rate table.</summary>
    private const uint TbfTableMtu = 2047;

    /// <summary>EEXIST: the parent has a qdisc of its own.</summary>
    public RtnlRequest QdiscAdd(in QdiscSpec qdisc) => Qdisc(rtnetlink.RTM_NEWQDISC, Add, qdisc);

    /// <summary>Adds the qdisc in the place of the parent's. Not for clsact, which is added ignoring EEXIST.</summary>
    public RtnlRequest QdiscReplace(in QdiscSpec qdisc) => Qdisc(rtnetlink.RTM_NEWQDISC, Replace, qdisc);

    /// <summary>ENOENT or EINVAL: there is none at this parent. ENODEV: no such link.</summary>
    public RtnlRequest QdiscDelete(in QdiscSpec qdisc) => Qdisc(rtnetlink.RTM_DELQDISC, Ack, qdisc);

    /// <inheritdoc cref="QdiscAdd"/>
    public RtnlRequest TbfAdd(in TbfSpec tbf) => Tbf(Add, tbf);

    /// <summary>Adds the tbf, or changes the one there without losing what waits in it.</summary>
    public RtnlRequest TbfReplace(in TbfSpec tbf) => Tbf(Replace, tbf);

    /// <inheritdoc cref="QdiscAdd"/>
    public RtnlRequest FqAdd(in FqSpec fq) => Fq(Add, fq);

    /// <summary>Adds the fq in the place of the parent's qdisc, or changes the one there without losing what waits in it.</summary>
    public RtnlRequest FqReplace(in FqSpec fq) => Fq(Replace, fq);

    /// <summary>EEXIST: a filter of this parent, priority and handle is there. EINVAL: no clsact.</summary>
    public RtnlRequest BpfFilterAdd(in BpfFilterSpec filter) => BpfFilter(Add, filter);

    /// <summary>Adds the filter, or exchanges the program of the one there without a gap.</summary>
    public RtnlRequest BpfFilterReplace(in BpfFilterSpec filter) => BpfFilter(Replace, filter);

    /// <summary>Deletes the filter, or with handle 0 all of the priority. ENOENT or EINVAL: there is none.</summary>
    public RtnlRequest BpfFilterDelete(in BpfFilterSpec filter)
    {
        var offset = Begin(rtnetlink.RTM_DELTFILTER, Ack, FilterHeader(filter));
        _writer.Put(rtnetlink.TCA_KIND, "bpf");
        return End(offset);
    }

    private RtnlRequest Qdisc(ushort type, ushort flags, in QdiscSpec qdisc)
    {
        var header = new tcmsg
        {
            tcm_ifindex = qdisc.LinkIndex,
            tcm_handle = qdisc.Handle,
            tcm_parent = qdisc.Parent == 0 ? TcHandle.Root : qdisc.Parent,
        };
        var offset = Begin(type, flags, header);
        _writer.Put(rtnetlink.TCA_KIND, qdisc.Kind);
        return End(offset);
    }

    private RtnlRequest Tbf(ushort flags, in TbfSpec tbf)
    {
        ArgumentOutOfRangeException.ThrowIfZero(tbf.RateBytesPerSecond);
        ArgumentOutOfRangeException.ThrowIfZero(tbf.BurstBytes);
        ArgumentOutOfRangeException.ThrowIfZero(tbf.LimitBytes);
        var header = new tcmsg
        {
            tcm_ifindex = tbf.LinkIndex,
            tcm_handle = tbf.Handle,
            tcm_parent = tbf.Parent == 0 ? TcHandle.Root : tbf.Parent,
        };
        Span<uint> table = stackalloc uint[pkt_sched.TC_RTAB_SIZE / sizeof(uint)];
        var options = new tc_tbf_qopt
        {
            rate = new tc_ratespec
            {
                cell_log = TbfMath.FillRateTable(table, tbf.RateBytesPerSecond, TbfTableMtu),
                linklayer = pkt_sched.TC_LINKLAYER_ETHERNET,
                cell_align = -1,
                rate = (uint)Math.Min(tbf.RateBytesPerSecond, uint.MaxValue),
            },
            limit = tbf.LimitBytes,
            buffer = TbfMath.Ticks(tbf.BurstBytes, tbf.RateBytesPerSecond),
        };
        var offset = Begin(rtnetlink.RTM_NEWQDISC, flags, header);
        _writer.Put(rtnetlink.TCA_KIND, "tbf");
        var nest = _writer.BeginNest(rtnetlink.TCA_OPTIONS);
        _writer.Put(pkt_sched.TCA_TBF_PARMS, options);
        _writer.Put(pkt_sched.TCA_TBF_BURST, tbf.BurstBytes);
        if (tbf.RateBytesPerSecond > uint.MaxValue)
            _writer.Put(pkt_sched.TCA_TBF_RATE64, tbf.RateBytesPerSecond);
        _writer.Put(pkt_sched.TCA_TBF_RTAB, MemoryMarshal.AsBytes(table));
        _writer.EndNest(nest);
        return End(offset);
    }

    private RtnlRequest Fq(ushort flags, in FqSpec fq)
    {
        ArgumentOutOfRangeException.ThrowIfZero(fq.LimitPackets);
        ArgumentOutOfRangeException.ThrowIfZero(fq.FlowLimitPackets);
        var header = new tcmsg { tcm_ifindex = fq.LinkIndex, tcm_handle = fq.Handle, tcm_parent = fq.Parent == 0 ? TcHandle.Root : fq.Parent };
        var offset = Begin(rtnetlink.RTM_NEWQDISC, flags, header);
        _writer.Put(rtnetlink.TCA_KIND, "fq");
        var nest = _writer.BeginNest(rtnetlink.TCA_OPTIONS);
        _writer.Put(pkt_sched.TCA_FQ_PLIMIT, fq.LimitPackets);
        _writer.Put(pkt_sched.TCA_FQ_FLOW_PLIMIT, fq.FlowLimitPackets);
        _writer.EndNest(nest);
        return End(offset);
    }

    private RtnlRequest BpfFilter(ushort flags, in BpfFilterSpec filter)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(filter.ProgramFd);
        var offset = Begin(rtnetlink.RTM_NEWTFILTER, flags, FilterHeader(filter));
        _writer.Put(rtnetlink.TCA_KIND, "bpf");
        var nest = _writer.BeginNest(rtnetlink.TCA_OPTIONS);
        _writer.Put(pkt_cls.TCA_BPF_FD, filter.ProgramFd);
        _writer.Put(pkt_cls.TCA_BPF_NAME, filter.Name ?? "bpf");
        _writer.Put(pkt_cls.TCA_BPF_FLAGS, pkt_cls.TCA_BPF_FLAG_ACT_DIRECT);
        _writer.EndNest(nest);
        return End(offset);
    }

    private static tcmsg FilterHeader(in BpfFilterSpec filter)
    {
        ArgumentOutOfRangeException.ThrowIfZero(filter.Priority);
        return new()
        {
            tcm_ifindex = filter.LinkIndex,
            tcm_handle = filter.Handle,
            tcm_parent = filter.Parent,
            tcm_info = ((uint)filter.Priority << 16) | BinaryPrimitives.ReverseEndianness((ushort)socket.ETH_P_ALL),
        };
    }
}
