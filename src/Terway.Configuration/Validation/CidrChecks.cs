using System.Net;
using System.Text.Json;

namespace Terway.Configuration.Validation;

/// <summary>Service addresses must be nobody else's: a packet to one that is also a node or a pod goes astray.</summary>
internal static class CidrChecks
{
    private const string Key = "service_cidr";

    /// <summary>Reads a list of networks, separated by commas.</summary>
    public static List<IPNetwork> Read(string text, string path, List<ConfigFinding> findings)
    {
        var networks = new List<IPNetwork>();
        foreach (var item in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!CidrText.TryParse(item, out var network, out var reason, out var fix)) findings.Add(ConfigFinding.Error(path, reason, fix));
            else if (networks.Exists(n => n.BaseAddress.AddressFamily == network.BaseAddress.AddressFamily))
                findings.Add(ConfigFinding.Error(path, $"{network} is a second network of its address family", "give one IPv4 network, one IPv6 network, or one of each"));
            else networks.Add(network);
        }

        return networks;
    }

    public static void Check(JsonElement root, IReadOnlyList<NamedNetwork> others, List<ConfigFinding> findings)
    {
        if (!root.TryGetProperty(Key, out var value) || value.ValueKind != JsonValueKind.String) return;
        foreach (var service in Read(value.GetString()!, $"$.{Key}", []))
        {
            foreach (var other in others.Where(o => CidrText.Overlap(service, o.Network)))
            {
                findings.Add(ConfigFinding.Error(
                    $"$.{Key}", $"{service} overlaps with the {other.Name} {other.Network}", "take a range for Services that neither nodes nor pods use"));
            }
        }
    }
}
