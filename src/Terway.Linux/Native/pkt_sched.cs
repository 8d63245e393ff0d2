using System.Runtime.InteropServices;

namespace Terway.Linux.Native;

internal static class pkt_sched
{
    public const uint TC_H_ROOT = 0xFFFFFFFF;
    public const uint TC_H_CLSACT = 0xFFFFFFF1;
    public const uint TC_H_MIN_INGRESS = 0xFFF2;
    public const uint TC_H_MIN_EGRESS = 0xFFF3;
    public const byte TC_LINKLAYER_ETHERNET = 1;
    public const int TC_RTAB_SIZE = 1024;
    public const ushort TCA_TBF_PARMS = 1;
    public const ushort TCA_TBF_RTAB = 2;
    public const ushort TCA_TBF_RATE64 = 4;
    public const ushort TCA_TBF_BURST = 6;
    public const ushort TCA_FQ_PLIMIT = 1;
    public const ushort TCA_FQ_FLOW_PLIMIT = 2;
}

[StructLayout(LayoutKind.Sequential)]
internal struct tc_ratespec
{
    public byte cell_log;
    public byte linklayer;
    public ushort overhead;
    public short cell_align;
    public ushort mpu;
    public uint rate;
}

[StructLayout(LayoutKind.Sequential)]
internal struct tc_tbf_qopt
{
    public tc_ratespec rate;
    public tc_ratespec peakrate;
    public uint limit;
    public uint buffer;
    public uint mtu;
}
