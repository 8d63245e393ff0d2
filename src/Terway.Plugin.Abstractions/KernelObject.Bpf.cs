using System.Text.Json.Serialization;

namespace Terway.Plugin;

// Paths of pins are relative to IPluginHost.BpfFolder, without "." and ".." in them.
[JsonDerivedType(typeof(PinFolder), "pinFolder")]
[JsonDerivedType(typeof(TcProgram), "tcProgram")]
[JsonDerivedType(typeof(MapEntry), "mapEntry")]
public abstract partial record KernelObject
{
    /// <summary>
    /// A folder for eBPF maps and programs that the plugin loads and pins there itself. The host makes it and takes it away with every pin in it,
    /// so put a version of the maps' layout into its name. Only as an object of the node.
    /// </summary>
    /// <param name="Path">Such as <c>datapath-v1</c>.</param>
    /// <param name="Tended">
    /// What is pinned here is right only while the plugin keeps it so: when the pool has the plugin no more the host takes the folder away at once, and does
    /// not wait for the last pod that the plugin served.
    /// </param>
    public sealed record PinFolder(string Path, bool Tended = false) : KernelObject;

    /// <summary>
    /// A pinned eBPF program (sched_cls, direct action) as filter of a link of the node. When another program is pinned at the path than the filter
    /// has, the host exchanges it without a gap.
    /// </summary>
    /// <param name="LinkName">The link.</param>
    /// <param name="Ingress">True for what the link receives, false for what it sends.</param>
    /// <param name="Program">Where it is pinned, such as <c>datapath-v1/from_pod</c>. The last part is the filter's name.</param>
    /// <param name="Priority">Lower ones run first; 1 to 65535. The host keeps one filter, of handle 1, for each link, direction and priority.</param>
    public sealed record TcProgram(string LinkName, bool Ingress, string Program, int Priority) : KernelObject;

    /// <summary>
    /// An entry of a pinned eBPF map. When the map is full the pod is refused. On removal the key is deleted, whatever its value is by then.
    /// </summary>
    /// <param name="Map">Where the map is pinned, such as <c>datapath-v1/pods4</c>.</param>
    /// <param name="Key">Bytes of the key, as lower-case hexadecimal digits.</param>
    /// <param name="Value">Bytes of the value, likewise.</param>
    /// <param name="LinkName">A link of the node whose index is part of the value; null when none is.</param>
    /// <param name="LinkOffset">Where in the value the host writes that index: 32 bits in the machine's byte order.</param>
    public sealed record MapEntry(string Map, string Key, string Value, string? LinkName = null, int LinkOffset = 0) : KernelObject;
}
