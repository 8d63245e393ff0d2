using Terway.Linux;
using Terway.Linux.Bpf;
using Terway.Plugins.DataPathV2.Pins;

namespace Terway.Plugins.DataPathV2.Services;

/// <summary>
/// The pinned attachments of the hooks to a cgroup. A program that is exchanged leaves no moment without one: each call of a socket meets the old one or
/// the new one.
/// </summary>
internal static class SocketHooks
{
    /// <summary>Attaches what is not, and exchanges programs that are not those pinned now.</summary>
    /// <param name="folder">Where programs and links are pinned.</param>
    /// <param name="cgroup">Folder of the cgroup.</param>
    /// <exception cref="LinuxException">The kernel refused, or there is no such cgroup.</exception>
    public static void Attach(string folder, string cgroup)
    {
        var id = FileIdentity.Of(cgroup)?.Inode ?? throw new LinuxException(Errno.ENOENT, $"find the cgroup {cgroup}");
        foreach (var (name, hook) in ServicePins.Hooks)
        {
            using var program = BpfProgram.OpenPinned(PinFile.PathOf(folder, name))
                ?? throw new LinuxException(Errno.ENOENT, $"open the program pinned at {PinFile.PathOf(folder, name)}");
            var path = PinFile.PathOf(folder, ServicePins.LinkOf(name));
            using var pinned = BpfLink.OpenPinned(path);
            if (pinned is not null && pinned.CgroupId == id)
            {
                if (pinned.ProgramId != program.Id) pinned.Update(program);
                continue;
            }

            using var link = BpfLink.AttachCgroup(program, cgroup, hook);
            PinFile.Replace(path, link.Pin);
        }
    }
}
