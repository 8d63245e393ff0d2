using System.Net;
using System.Text.Json;

namespace Terway.Plugins.ExclusiveEni.Datapath;

/// <summary>What goes by way of the node. The configuration's validator has judged the values; what is none here is left out.</summary>
/// <param name="Disabled">No pod gets a link to its node.</param>
/// <param name="Networks">Destinations beside the node's own addresses.</param>
internal sealed record HostPeerSettings(bool Disabled, IReadOnlyList<IPNetwork> Networks)
{
    public static HostPeerSettings Read(JsonElement settings)
    {
        if (settings.ValueKind != JsonValueKind.Object)
        {
            return new(false, []);
        }

        var disabled = settings.TryGetProperty("disable_host_peer", out var flag) && flag.ValueKind == JsonValueKind.True;
        var texts = new List<string>();
        if (settings.TryGetProperty("service_cidr", out var service) && service.ValueKind == JsonValueKind.String)
        {
            texts.AddRange(service.GetString()!.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        }

        if (settings.TryGetProperty("host_stack_cidrs", out var list) && list.ValueKind == JsonValueKind.Array)
        {
            texts.AddRange(list.EnumerateArray().Where(e => e.ValueKind == JsonValueKind.String).Select(e => e.GetString()!.Trim()));
        }

        var networks = new List<IPNetwork>();
        foreach (var text in texts)
        {
            if (IPNetwork.TryParse(text, out var network))
            {
                networks.Add(network);
            }
        }

        return new(disabled, networks);
    }
}
