using System.Buffers.Binary;
using Terway.Linux;
using Terway.Linux.Bpf;
using Terway.Linux.Netlink;
using Terway.Plugin;

namespace Terway.Host.Kernel;

/// <summary>
/// Makes, compares and takes away a plan's eBPF objects. What it opened stays open until <see cref="Close"/>: a plan, or a comparison of all of
/// them, asks for the same few maps and programs again and again. One caller at a time.
/// </summary>
/// <param name="pins">The daemon's.</param>
/// <param name="tcx">Programs on tcx hooks.</param>
/// <param name="byTcx">Whether programs are attached there; else they are filters of a clsact. An earlier life may have chosen otherwise.</param>
internal sealed class BpfObjects(BpfPins pins, TcxLinks tcx, bool byTcx)
{
    /// <summary>The kernel tells filters of one priority apart by it; with a given one a replacement is in place.</summary>
    private const uint Handle = 1;

    private readonly Dictionary<string, BpfMap?> _maps = new(StringComparer.Ordinal);
    private readonly Dictionary<string, BpfProgram?> _programs = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Link, uint Parent), IReadOnlyList<FilterInfo>> _filters = [];

    /// <summary>Whether a program is attached when its <see cref="Make(KernelObject.TcProgram, int, RtnlBatch)"/> returns, not when the batch is sent.</summary>
    public bool AttachesAtOnce => byTcx;

    /// <summary>Lets go of what was opened and read.</summary>
    public void Close()
    {
        foreach (var map in _maps.Values) map?.Dispose();
        foreach (var program in _programs.Values) program?.Dispose();
        _maps.Clear();
        _programs.Clear();
        _filters.Clear();
    }

    public void Make(KernelObject.PinFolder folder) => pins.MakeFolder(folder.Path);

    /// <param name="entry">Its link has the index <paramref name="link"/>.</param>
    /// <param name="link">0 when the entry names none.</param>
    /// <exception cref="InvalidOperationException">There is no such map, or it is full.</exception>
    public void Make(KernelObject.MapEntry entry, int link)
    {
        var map = MapOf(entry) ?? pins.Map(entry.Map);
        try
        {
            map.Update(Convert.FromHexString(entry.Key), ValueOf(entry, link));
        }
        catch (BpfException e) when (e.Errno == Errno.E2BIG)
        {
            throw new InvalidOperationException(
                $"the eBPF map {entry.Map} is full ({map.MaxEntries} entries): raise its size in the plugin's settings and restart the daemon", e);
        }
    }

    /// <summary>Attaches the program, or appends what does, which must be sent before <see cref="Close"/>.</summary>
    public void Make(KernelObject.TcProgram program, int link, RtnlBatch batch)
    {
        var pinned = ProgramOf(program) ?? pins.Program(program.Program);
        if (byTcx)
        {
            tcx.Make(program, pinned, link);
            return;
        }

        batch.QdiscAdd(QdiscSpec.ForClsact(link)).Ignore(Errno.EEXIST);
        batch.BpfFilterReplace(SpecOf(program, link) with { ProgramFd = pinned.Fd, Name = NameOf(program) });
    }

    /// <summary>
    /// Once the program is attached: ends what an earlier life attached the other way, so that no packet meets it twice. An empty clsact stays: while one is taken
    /// away or made the kernel stops the queues of the link (qdisc_graft), and what is sent in that moment is dropped.
    /// </summary>
    public void RemoveOther(KernelObject.TcProgram program, RtnlSocket socket, int link)
    {
        if (byTcx) RemoveFilter(program, socket, link);
        else tcx.Remove(program);
    }

    /// <summary>Null when the object exists as it should, else a text that names it.</summary>
    /// <param name="o">A folder, a program or an entry.</param>
    /// <param name="socket">Of the node.</param>
    /// <param name="link">Index of the object's link; null when there is no such link.</param>
    public string? Missing(KernelObject o, RtnlSocket socket, int? link) => o switch
    {
        KernelObject.PinFolder folder => pins.HasFolder(folder.Path) ? null : $"eBPF pins {folder.Path}",
        KernelObject.TcProgram program => link is { } index && IsAttached(program, socket, index)
            ? null : $"tc {(program.Ingress ? "ingress" : "egress")} program {program.Program} dev {program.LinkName}",
        KernelObject.MapEntry entry => (entry.LinkName is null || link is not null) && IsThere(entry, link ?? 0)
            ? null : $"entry {entry.Key} of eBPF map {entry.Map}",
        _ => throw new ArgumentException($"a {o.GetType().Name} is no eBPF object", nameof(o)),
    };

    public void Remove(KernelObject.MapEntry entry)
    {
        // Without its map an entry is gone as well.
        if (MapOf(entry) is { } map) map.Delete(Convert.FromHexString(entry.Key));
    }

    public void Remove(KernelObject.PinFolder folder) => pins.RemoveFolder(folder.Path);

    /// <summary>Takes the program off its link.</summary>
    /// <param name="program">On either hook.</param>
    /// <param name="socket">Of the node.</param>
    /// <param name="link">Null when the link is gone; its pin is not gone with it.</param>
    public void Remove(KernelObject.TcProgram program, RtnlSocket socket, int? link)
    {
        tcx.Remove(program);
        if (link is { } index && RemoveFilter(program, socket, index)) RemoveEmptyClsact(socket, index);
    }

    /// <summary>Takes away what keeps programs on links that are gone.</summary>
    public int RemoveDead() => tcx.RemoveDead();

    // False when it is not there.
    private static bool RemoveFilter(KernelObject.TcProgram program, RtnlSocket socket, int link)
    {
        if (!Filters(socket, link, ParentOf(program)).Any(f => IsOf(program, f))) return false;
        using var batch = new RtnlBatch();
        batch.BpfFilterDelete(SpecOf(program, link)).Ignore(Errno.ENOENT, Errno.EINVAL, Errno.ENODEV);
        socket.ExecuteOrThrow(batch);
        return true;
    }

    private static void RemoveEmptyClsact(RtnlSocket socket, int link)
    {
        if (Filters(socket, link, TcHandle.Ingress).Count + Filters(socket, link, TcHandle.Egress).Count > 0) return;
        using var batch = new RtnlBatch();
        batch.QdiscDelete(QdiscSpec.ForClsact(link)).Ignore(Errno.ENOENT, Errno.EINVAL, Errno.ENODEV);
        socket.ExecuteOrThrow(batch);
    }

    private static uint ParentOf(KernelObject.TcProgram program) => program.Ingress ? TcHandle.Ingress : TcHandle.Egress;

    private static string NameOf(KernelObject.TcProgram program) => program.Program[(program.Program.LastIndexOf('/') + 1)..];

    private static BpfFilterSpec SpecOf(KernelObject.TcProgram program, int link) => new()
    {
        LinkIndex = link,
        Parent = ParentOf(program),
        Priority = checked((ushort)program.Priority),
        Handle = Handle,
    };

    // A dump lists the classifier once more, as handle 0.
    private static List<FilterInfo> Filters(RtnlSocket socket, int link, uint parent) => [.. socket.DumpFilters(link, parent).Where(static f => f.Handle != 0)];

    private static bool IsOf(KernelObject.TcProgram program, FilterInfo filter) =>
        filter.Kind == "bpf" && filter.Priority == program.Priority && filter.Handle == Handle && filter.Name == NameOf(program);

    private static byte[] ValueOf(KernelObject.MapEntry entry, int link)
    {
        var value = Convert.FromHexString(entry.Value);
        if (entry.LinkName is not null)
        {
            if (BitConverter.IsLittleEndian) BinaryPrimitives.WriteInt32LittleEndian(value.AsSpan(entry.LinkOffset), link);
            else BinaryPrimitives.WriteInt32BigEndian(value.AsSpan(entry.LinkOffset), link);
        }

        return value;
    }

    private bool IsThere(KernelObject.MapEntry entry, int link)
    {
        if (MapOf(entry) is not { } map) return false;
        var expected = ValueOf(entry, link);
        var found = new byte[map.UserValueSize];
        return map.TryLookup(Convert.FromHexString(entry.Key), found) && found.AsSpan().SequenceEqual(expected);
    }

    private bool IsAttached(KernelObject.TcProgram program, RtnlSocket socket, int link)
    {
        if (ProgramOf(program) is not { } pinned) return false;
        if (byTcx) return tcx.IsAttached(program, pinned, link);
        var key = (link, ParentOf(program));
        if (!_filters.TryGetValue(key, out var filters)) _filters.Add(key, filters = Filters(socket, link, key.Item2));
        return filters.Any(f => IsOf(program, f) && f.DirectAction && f.ProgramId == pinned.Id);
    }

    private BpfMap? MapOf(KernelObject.MapEntry entry)
    {
        if (!_maps.TryGetValue(entry.Map, out var map)) _maps.Add(entry.Map, map = pins.FindMap(entry.Map));
        return map;
    }

    private BpfProgram? ProgramOf(KernelObject.TcProgram program)
    {
        if (!_programs.TryGetValue(program.Program, out var found)) _programs.Add(program.Program, found = pins.FindProgram(program.Program));
        return found;
    }
}
