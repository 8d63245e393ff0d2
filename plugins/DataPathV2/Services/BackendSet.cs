using Terway.Plugins.DataPathV2.Abi;

namespace Terway.Plugins.DataPathV2.Services;

/// <summary>A set of backends as the maps hold it.</summary>
/// <param name="id">Of this set, as long as it has a frontend.</param>
internal sealed class BackendSet(uint id)
{
    public uint Id { get; } = id;

    /// <summary>Null when it has no backends, or none that can be trusted.</summary>
    public BackendRange? Range { get; set; }

    /// <summary>Ranges that some of its addresses may still lead to.</summary>
    public List<BackendRange> Others { get; } = [];

    public SvcAddress[] Backends { get; set; } = [];

    /// <summary>Those that are known by their address.</summary>
    public HashSet<SvcAddress> Members { get; set; } = [];
}
