using System.Globalization;
using Terway.Linux.Bpf;
using Terway.Plugins.DataPathV2.Abi;

namespace Terway.Plugins.DataPathV2.Pins;

/// <summary>
/// What the maps of another layout know and nobody can tell again: which flows the stack carries. Such a map is not copied but shared, since the
/// other layout's programs go on writing to it until the last pod is handed over. One that this version declares otherwise is left alone: its flows are
/// judged as new ones.
/// </summary>
internal static class EarlierMaps
{
    /// <summary>Pins the newest other layout's flows, and what says which of them there can be, as this layout's, unless this one has its own.</summary>
    /// <param name="bpfFolder">Holds the folders of all layouts.</param>
    /// <param name="shapes">What this layout's maps are; to be opened afterwards.</param>
    /// <returns>The other's folder, by its name; null when nothing was shared.</returns>
    /// <exception cref="BpfException">The kernel refused.</exception>
    public static string? Share(string bpfFolder, IReadOnlyList<MapShape> shapes)
    {
        var folder = Path.Combine(bpfFolder, DatapathPins.Folder);
        if (Newest(bpfFolder) is not { } other) return null;
        var shared = false;
        foreach (var hints in shapes.Where(static s => s.About is not null))
        {
            var flows = shapes.Single(s => s.Name == hints.About);
            if (File.Exists(PinFile.PathOf(folder, flows.Name)) || !Share(other, folder, flows, static (_, _) => true)) continue;
            // Hints that are not shared are made anew, and say "everything".
            Share(other, folder, hints, static (map, shape) => map.MaxEntries == shape.MaxEntries);
            shared = true;
        }

        return shared ? Path.GetFileName(other) : null;
    }

    private static bool Share(string from, string to, MapShape shape, Func<BpfMap, MapShape, bool> condition)
    {
        using var map = BpfMap.OpenPinned(PinFile.PathOf(from, shape.Name));
        if (map is null || !shape.Fits(map) || !condition(map, shape)) return false;
        PinFile.Replace(PinFile.PathOf(to, shape.Name), map.Pin);
        return true;
    }

    private static string? Newest(string bpfFolder) => Directory.EnumerateDirectories(bpfFolder, DatapathPins.FolderPrefix + "*")
        .Select(static path => (Path: path, Version: VersionOf(Path.GetFileName(path))))
        .Where(static f => f.Version is not (null or DpAbi.Version))
        .OrderByDescending(static f => f.Version).Select(static f => f.Path).FirstOrDefault();

    private static int? VersionOf(string folder) =>
        int.TryParse(folder.AsSpan(DatapathPins.FolderPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : null;
}
