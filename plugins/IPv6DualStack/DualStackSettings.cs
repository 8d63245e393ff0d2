using System.Text.Json;

namespace Terway.Plugins.IPv6DualStack;

/// <summary>What this plugin looks at in the pool's configuration.</summary>
internal static class DualStackSettings
{
    /// <summary>vSwitches that new ENIs of this node may come from: those of its zone, or the primary ENI's where none are given.</summary>
    public static IReadOnlyList<string> VSwitches(JsonElement settings, NodeFacts node)
    {
        if (settings.ValueKind != JsonValueKind.Object || !settings.TryGetProperty("vswitches", out var zones) || zones.ValueKind != JsonValueKind.Object
            || !zones.TryGetProperty(node.ZoneId, out var ids) || ids.ValueKind != JsonValueKind.Array)
        {
            return [node.VSwitchId];
        }

        string[] given = [.. ids.EnumerateArray().Where(static e => e.ValueKind == JsonValueKind.String).Select(static e => e.GetString()!).Distinct()];
        return given.Length > 0 ? given : [node.VSwitchId];
    }
}
