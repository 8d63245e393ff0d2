using System.Globalization;
using Terway.Linux.Bpf;
using Terway.Plugins.DataPathV2.Abi;

namespace Terway.Plugins.DataPathV2.Pins;

/// <summary>
/// What the maps of an earlier layout know and nobody can tell again: which flows the stack carries. They are there until the last pod is handed
/// over. A map of another layout is left alone: its flows are judged as new ones.
/// </summary>
internal static class EarlierMaps
{
    private static readonly string[] s_remembered = [DatapathPins.Flows4, DatapathPins.Flows6];

    /// <summary>Copies the newest earlier layout's flows.</summary>
    /// <param name="bpfFolder">Holds the folders of all layouts.</param>
    /// <param name="maps">This layout's.</param>
    /// <param name="shapes">What they are.</param>
    /// <returns>The folder, by its name; null when there is none.</returns>
    /// <exception cref="BpfException">The kernel refused.</exception>
    public static string? TakeOver(string bpfFolder, PinnedMaps maps, IReadOnlyList<MapShape> shapes)
    {
        for (var version = DpAbi.Version - 1; version > 0; version--)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"{DatapathPins.FolderPrefix}{version}");
            var folder = Path.Combine(bpfFolder, name);
            if (!Directory.Exists(folder)) continue;
            foreach (var shape in shapes.Where(static s => s_remembered.Contains(s.Name)))
            {
                using var earlier = BpfMap.OpenPinned(PinFile.PathOf(folder, shape.Name));
                if (earlier is not null && shape.Fits(earlier)) PinnedMaps.Copy(earlier, maps[shape.Name]);
            }

            return name;
        }

        return null;
    }
}
