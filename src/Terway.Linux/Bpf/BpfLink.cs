using System.Globalization;
using Terway.Linux.Native;

namespace Terway.Linux.Bpf;

/// <summary>BPF_* attach types that links are made with here.</summary>
public enum BpfAttachType
{
    CgroupInet4Connect = 10,
    CgroupInet6Connect = 11,
    CgroupUdp4SendMsg = 14,
    CgroupUdp6SendMsg = 15,
    CgroupUdp4RecvMsg = 19,
    CgroupUdp6RecvMsg = 20,
    CgroupInet4GetPeerName = 29,
    CgroupInet6GetPeerName = 30,

    /// <summary>Since Linux 6.6.</summary>
    TcxIngress = 46,

    /// <summary>Since Linux 6.6.</summary>
    TcxEgress = 47,
}

/// <summary>
/// An attachment that ends with its last descriptor or pin. Its program can be exchanged without a gap.
/// </summary>
public sealed class BpfLink : IDisposable
{
    // linux/bpf.h since 6.6: in front of a program, which is given by its link.
    private const uint Before = 1 << 3;
    private const uint ByLink = 1 << 13;

    private readonly FdHandle _handle;

    private BpfLink(FdHandle handle) => _handle = handle;

    /// <summary>Valid while this object is alive and not disposed.</summary>
    public int Fd => _handle.Fd;

    /// <summary>Id of the program that is attached now.</summary>
    public uint ProgramId => BpfSyscall.Info<bpf_link_info>(Fd, "a link").prog_id;

    /// <summary>Of a link to a cgroup that cgroup's id, which is its folder's inode; 0 once the cgroup is gone, or the link detached.</summary>
    public ulong CgroupId => BpfSyscall.Info<bpf_link_info>(Fd, "a link").cgroup_id;

    /// <summary>Of a tcx link the index of the network link that it is on; 0 once that is gone, or the link detached.</summary>
    public int TcxLinkIndex => (int)BpfSyscall.Info<bpf_link_info>(Fd, "a link").tcx_ifindex;

    /// <summary>Attaches to a network link. EINVAL: the kernel has no tcx (<see cref="TcxHook.IsThere"/>); use clsact.</summary>
    /// <param name="program">of type sched_cls; returns -1 (TCX_NEXT) to let the next one decide</param>
    /// <param name="linkIndex">in the calling thread's namespace</param>
    /// <param name="type">TcxIngress or TcxEgress</param>
    /// <param name="before">on the same side of the same network link; null: behind all programs there</param>
    public static BpfLink AttachTcx(BpfProgram program, int linkIndex, BpfAttachType type, BpfLink? before = null)
    {
        ArgumentNullException.ThrowIfNull(program);
        var attributes = new bpf_attr_link_create { prog_fd = program.Fd, target_fd = linkIndex, attach_type = (uint)type };
        if (before is not null)
        {
            attributes.flags = Before | ByLink;
            attributes.relative_fd = before.Fd;
        }

        return Attach(attributes, program, type, string.Create(CultureInfo.InvariantCulture, $"link #{linkIndex}"));
    }

    /// <summary>Attaches to a cgroup (v2), for it and those below.</summary>
    /// <param name="program">of the type that fits <paramref name="type"/></param>
    /// <param name="cgroupPath">the cgroup's directory</param>
    /// <param name="type">one of the Cgroup types</param>
    public static BpfLink AttachCgroup(BpfProgram program, string cgroupPath, BpfAttachType type)
    {
        ArgumentNullException.ThrowIfNull(program);
        using var directory = new FdHandle(Libc.open(cgroupPath, fcntl.O_RDONLY | fcntl.O_CLOEXEC, 0));
        if (directory.IsInvalid)
            throw new LinuxException(Libc.Errno, $"open cgroup {cgroupPath}");
        return Attach(new() { prog_fd = program.Fd, target_fd = directory.Fd, attach_type = (uint)type }, program, type, $"cgroup {cgroupPath}");
    }

    /// <summary>The link pinned at <paramref name="path"/>, null when nothing is.</summary>
    public static BpfLink? OpenPinned(string path) => BpfSyscall.OpenPinned(path) is { } handle ? new(handle) : null;

    /// <summary>Keeps the attachment beyond this process. EEXIST: something is pinned there.</summary>
    public void Pin(string path) => BpfSyscall.Pin(Fd, path);

    /// <summary>Exchanges the program: every packet meets the old one or the new one.</summary>
    public void Update(BpfProgram program)
    {
        ArgumentNullException.ThrowIfNull(program);
        var attributes = new bpf_attr_link_update { link_fd = Fd, new_prog_fd = program.Fd };
        var result = BpfSyscall.Call(bpf.BPF_LINK_UPDATE, ref attributes);
        if (result < 0)
            throw new BpfException(-result, $"exchange the program of a link for {program.Name}");
    }

    /// <summary>Ends the attachment though pins or other descriptors remain.</summary>
    public void Detach()
    {
        var attributes = new bpf_attr_link_detach { link_fd = Fd };
        var result = BpfSyscall.Call(bpf.BPF_LINK_DETACH, ref attributes);
        if (result < 0)
            throw new BpfException(-result, "detach a link");
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private static BpfLink Attach(bpf_attr_link_create attributes, BpfProgram program, BpfAttachType type, string where)
    {
        var fd = BpfSyscall.Call(bpf.BPF_LINK_CREATE, ref attributes);
        return fd >= 0 ? new(new FdHandle(fd)) : throw new BpfException(-fd, $"attach program {program.Name} to {where} as {type}");
    }
}
