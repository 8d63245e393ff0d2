using System.Globalization;
using Terway.Linux.Native;

namespace Terway.Linux.Bpf;

/// <summary>What a test run of a program gave.</summary>
/// <param name="ReturnValue">the program's</param>
/// <param name="DataLength">bytes of the packet after it</param>
/// <param name="Duration">mean of all repetitions</param>
public readonly record struct BpfTestResult(uint ReturnValue, int DataLength, TimeSpan Duration);

/// <summary>A loaded eBPF program. Thread safe.</summary>
public sealed unsafe class BpfProgram : IDisposable
{
    // BPF_F_TEST_SKB_CHECKSUM_COMPLETE, since Linux 6.11.
    private const uint WithSum = 1 << 2;

    private readonly FdHandle _handle;

    internal BpfProgram(FdHandle handle, string? name = null)
    {
        _handle = handle;
        var info = BpfSyscall.Info<bpf_prog_info>(handle.Fd, $"program {name}");
        Name = name ?? BpfSyscall.Name(info.name);
        Id = info.id;
    }

    /// <summary>The name in the object, or, of a program opened otherwise, the kernel's, cut to 15 bytes.</summary>
    public string Name { get; }

    /// <summary>Unique in the kernel; what <c>bpftool prog</c> and a filter's dump show.</summary>
    public uint Id { get; }

    /// <summary>Valid while this object is alive and not disposed.</summary>
    public int Fd => _handle.Fd;

    /// <summary>The program pinned at <paramref name="path"/>, null when nothing is.</summary>
    public static BpfProgram? OpenPinned(string path) => BpfSyscall.OpenPinned(path) is { } handle ? new(handle) : null;

    /// <summary>The program of this kernel-wide id, null when there is none.</summary>
    public static BpfProgram? OpenById(uint id)
    {
        var attributes = new bpf_attr_get_id { id = id };
        var fd = BpfSyscall.Call(bpf.BPF_PROG_GET_FD_BY_ID, ref attributes);
        if (fd >= 0)
            return new(new FdHandle(fd));
        return -fd == Errno.ENOENT ? null : throw new BpfException(-fd, string.Create(CultureInfo.InvariantCulture, $"open program with id {id}"));
    }

    /// <summary>Keeps the program in the bpf file system. EEXIST: something is pinned there.</summary>
    public void Pin(string path) => BpfSyscall.Pin(Fd, path);

    /// <summary>Runs the program on a packet, in the kernel, without a network.</summary>
    /// <param name="packet">from the Ethernet header on, at least 14 bytes</param>
    /// <param name="output">receives the packet after the program, as far as there is room; may be empty</param>
    /// <param name="repeat">how often, for timing; the packet is not reset in between</param>
    /// <param name="context">the first bytes of the program's context, e.g. a part of struct __sk_buff; may be empty</param>
    /// <param name="contextOutput">receives the context after the program; may be empty</param>
    /// <param name="summed">
    /// as from a device that sums whole packets (CHECKSUM_COMPLETE). EBADMSG: the program left a sum that is not the packet's. EINVAL: the kernel is older
    /// than 6.11
    /// </param>
    public BpfTestResult TestRun(
        ReadOnlySpan<byte> packet, Span<byte> output = default, int repeat = 1, ReadOnlySpan<byte> context = default, Span<byte> contextOutput = default, bool summed = false)
    {
        fixed (byte* p = packet, o = output, c = context, r = contextOutput)
        {
            var attributes = new bpf_attr_test
            {
                prog_fd = Fd,
                data_in = (ulong)p,
                data_size_in = (uint)packet.Length,
                data_out = (ulong)o,
                data_size_out = (uint)output.Length,
                ctx_in = (ulong)c,
                ctx_size_in = (uint)context.Length,
                ctx_out = (ulong)r,
                ctx_size_out = (uint)contextOutput.Length,
                repeat = (uint)repeat,
                flags = summed ? WithSum : 0,
            };
            var result = BpfSyscall.Call(bpf.BPF_PROG_TEST_RUN, ref attributes);
            // ENOSPC: the output was cut; the length is right nevertheless.
            if (result < 0 && -result != Errno.ENOSPC)
                throw new BpfException(-result, $"test run of program {Name}");
            return new(attributes.retval, (int)attributes.data_size_out, TimeSpan.FromMicroseconds(attributes.duration / 1000.0));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();
}
