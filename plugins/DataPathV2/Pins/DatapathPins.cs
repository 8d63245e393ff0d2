using System.Globalization;
using Terway.Plugins.DataPathV2.Abi;

namespace Terway.Plugins.DataPathV2;

/// <summary>Where maps and programs are pinned: in a folder of this layout's version, under the names of the C source.</summary>
internal static class DatapathPins
{
    public const string Pods4 = "dp_pods4";
    public const string Pods6 = "dp_pods6";
    public const string Senders4 = "dp_senders4";
    public const string Senders6 = "dp_senders6";
    public const string Enis = "dp_enis";
    public const string Stack4 = "dp_stack4";
    public const string Stack6 = "dp_stack6";
    public const string Flows4 = "dp_flows4";
    public const string Flows6 = "dp_flows6";
    public const string Hints4 = "dp_hints4";
    public const string Hints6 = "dp_hints6";
    public const string Limits = "dp_limits";
    public const string Paces = "dp_paces";
    public const string Drops = "dp_drops";
    public const string Paths = "dp_paths";

    public const string FromPod = "dp_from_pod";
    public const string FromEni = "dp_from_eni";
    public const string ToPod = "dp_to_pod";
    public const string ToEni = "dp_to_eni";

    /// <summary>Upstream's number for its eBPF filters: behind it there is room for others' that push a VLAN tag, say.</summary>
    public const int FilterPriority = 25000;

    // The bpf file system takes no dots in names.
    public const string FolderPrefix = "datapath-v";

    public static string Folder { get; } = string.Create(CultureInfo.InvariantCulture, $"{FolderPrefix}{DpAbi.Version}");

    public static IReadOnlyList<string> Programs { get; } = [FromPod, FromEni, ToPod, ToEni];

    /// <summary>As the contract's kernel objects name it.</summary>
    public static string PathOf(string name) => $"{Folder}/{name}";
}
