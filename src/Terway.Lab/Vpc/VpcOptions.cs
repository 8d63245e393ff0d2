using System.Net;

namespace Terway.Lab.Vpc;

public sealed record VpcOptions
{
    /// <summary>The VPC's ranges, IPv4 and IPv6, secondary ones too.</summary>
    public required IReadOnlyList<IPNetwork> Cidrs { get; init; }

    /// <summary>Bytes; 1500 as in a VPC without jumbo frames, 8500 with.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>
    /// Whether the VPC does with what kernels from 5.10 on have: at most eight rules of an ENI's groups in a direction, beyond which nothing passes, and no packet too
    /// big. What this machine's kernel asks for (bpf_loop: Linux 5.17) when nothing is said.
    /// </summary>
    public bool ForOldKernel { get; init; } = !OperatingSystem.IsOSPlatformVersionAtLeast("linux", 5, 17);
}
