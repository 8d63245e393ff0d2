using System.Globalization;
using Terway.Linux;
using Terway.Linux.Bpf;
using Terway.Linux.Namespaces;
using Terway.Plugin;

namespace Terway.Host.Kernel;

/// <summary>
/// Programs on tcx hooks, each kept by a pinned link: <c>tcx/&lt;network link&gt;/&lt;side&gt;-&lt;priority&gt;-&lt;program&gt;</c>. The pin is the
/// record of who holds the place and in which order places run, and gives a handle by which a program is exchanged without a gap. One caller at a time.
/// </summary>
/// <param name="pins">The daemon's.</param>
/// <param name="namespaces">Visits <paramref name="home"/>: the kernel looks up a link's index in the caller's namespace.</param>
/// <param name="home">The node's namespace.</param>
internal sealed class TcxLinks(BpfPins pins, NetNsThread namespaces, NetNs home)
{
    private const string Root = "tcx";

    /// <summary>Attaches the program; or exchanges the one that has its place. A program that is attached already is left alone.</summary>
    /// <exception cref="BpfException">The kernel refused.</exception>
    /// <exception cref="InvalidOperationException">The pin cannot be made.</exception>
    public void Make(KernelObject.TcProgram program, BpfProgram pinned, int link) => OnPins(program.LinkName, () => Attach(program, pinned, link));

    private void Attach(KernelObject.TcProgram program, BpfProgram pinned, int link)
    {
        var folder = FolderOf(program.LinkName);
        pins.MakeFolder(folder);
        var path = PathOf(program);
        var others = Directory.GetFiles(pins.PathOf(folder));
        if (others.FirstOrDefault(other => Path.GetFileName(other).StartsWith(PlaceOf(program), StringComparison.Ordinal)) is { } there)
        {
            using (var taken = BpfLink.OpenPinned(there))
            {
                if (taken?.TcxLinkIndex == link)
                {
                    if (taken.ProgramId != pinned.Id) taken.Update(pinned);
                    if (there != path) File.Move(there, path, overwrite: true);
                    return;
                }
            }

            // Of a network link of that name that is no more.
            File.Delete(there);
        }

        using var next = NextOf(program, others, link);
        using var made = namespaces.Run(home, () => BpfLink.AttachTcx(pinned, link, TypeOf(program), next));
        made.Pin(path);
    }

    /// <summary>Whether this very program is on the link, in its place.</summary>
    public bool IsAttached(KernelObject.TcProgram program, BpfProgram pinned, int link)
    {
        using var there = BpfLink.OpenPinned(PathOf(program));
        return there is not null && there.TcxLinkIndex == link && there.ProgramId == pinned.Id;
    }

    /// <summary>Takes the program off its link, whether that is still there or not.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public void Remove(KernelObject.TcProgram program)
    {
        var path = PathOf(program);
        if (!File.Exists(path)) return;
        OnPins(program.LinkName, () =>
        {
            // The last pin's end detaches too, but some time later, in a worker of the kernel.
            using (var there = BpfLink.OpenPinned(path)) there?.Detach();
            File.Delete(path);
            DropEmpty(pins.PathOf(FolderOf(program.LinkName)));
        });
    }

    /// <summary>Takes away pins whose network link is gone: nothing is attached by them any more.</summary>
    /// <returns>How many.</returns>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public int RemoveDead()
    {
        var removed = 0;
        if (pins.HasFolder(Root)) OnPins("*", () => removed = RemoveDeadPins());
        return removed;
    }

    private int RemoveDeadPins()
    {
        var removed = 0;
        foreach (var folder in Directory.GetDirectories(pins.PathOf(Root)))
        {
            foreach (var path in Directory.GetFiles(folder))
            {
                using (var link = BpfLink.OpenPinned(path))
                {
                    if (link is null || link.TcxLinkIndex != 0) continue;
                }

                File.Delete(path);
                removed++;
            }

            DropEmpty(folder);
        }

        return removed;
    }

    // No dots in names there, and no colon in a link's.
    private static string FolderOf(string link) => $"{Root}/{link.Replace('.', ':')}";

    // With leading zeros: places sort as they run.
    private static string PlaceOf(KernelObject.TcProgram program) =>
        string.Create(CultureInfo.InvariantCulture, $"{SideOf(program)}-{program.Priority:00000}-");

    private static string SideOf(KernelObject.TcProgram program) => program.Ingress ? "ingress" : "egress";

    private static BpfAttachType TypeOf(KernelObject.TcProgram program) => program.Ingress ? BpfAttachType.TcxIngress : BpfAttachType.TcxEgress;

    private string PathOf(KernelObject.TcProgram program) =>
        pins.PathOf($"{FolderOf(program.LinkName)}/{PlaceOf(program)}{program.Program[(program.Program.LastIndexOf('/') + 1)..]}");

    // The program that runs right after this one.
    private static BpfLink? NextOf(KernelObject.TcProgram program, IEnumerable<string> pinned, int link)
    {
        var place = PlaceOf(program);
        foreach (var path in pinned.Where(path => Path.GetFileName(path) is var name && name.StartsWith($"{SideOf(program)}-", StringComparison.Ordinal)
            && string.CompareOrdinal(name, place) > 0).Order(StringComparer.Ordinal))
        {
            var found = BpfLink.OpenPinned(path);
            if (found?.TcxLinkIndex == link) return found;
            found?.Dispose();
        }

        return null;
    }

    private void OnPins(string link, Action act)
    {
        try
        {
            act();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LinuxException(
                Errno.EIO, $"keep the pins of programs on {link} in {pins.PathOf(Root)}, which has to be on a bpf file system that can be written ({e.Message})");
        }
    }

    private void DropEmpty(string folder)
    {
        foreach (var path in (string[])[folder, pins.PathOf(Root)])
        {
            if (Directory.EnumerateFileSystemEntries(path).Any()) return;
            Directory.Delete(path);
        }
    }
}
