using System.Text.Json;
using Terway.Plugin;

namespace Terway.Configuration;

/// <summary>Plugins of a configuration that has no list of them: one written for upstream Terway.</summary>
internal static class UpstreamTranslation
{
    public static List<PluginChoice> Plugins(JsonElement root, List<ConfigFinding> findings)
    {
        var plugins = new List<PluginChoice> { Choice("SharedEni", "$") };
        var type = Text(root, "eniip_virtual_type", findings);
        switch (type?.ToUpperInvariant())
        {
            case null or "" or "VETH":
                break;
            case "IPVLAN":
                plugins.Add(Choice("DataPathV2", "$.eniip_virtual_type"));
                findings.Add(new ConfigFinding("$.eniip_virtual_type", new Finding(
                    FindingSeverity.Warning, "IPVlan is not offered any more; its pods get DataPathV2", "write \"datapathv2\"")));
                break;
            case "DATAPATHV2":
                plugins.Add(Choice("DataPathV2", "$.eniip_virtual_type"));
                break;
            default:
                findings.Add(new ConfigFinding("$.eniip_virtual_type", new Finding(
                    FindingSeverity.Error, $"\"{type}\" is not known", "write veth, datapathv2 or ipvlan")));
                break;
        }

        if (Flag(root, "enable_eni_trunking", findings)) plugins.Add(Choice("TrunkEni", "$.enable_eni_trunking"));
        switch (Text(root, "ip_stack", findings))
        {
            case null or "" or "ipv4":
                break;
            case "dual":
                plugins.Add(Choice("IPv6DualStack", "$.ip_stack"));
                break;
            case var stack:
                findings.Add(new ConfigFinding("$.ip_stack", new Finding(FindingSeverity.Error, $"\"{stack}\" is not offered", "write ipv4 or dual")));
                break;
        }

        return plugins;
    }

    private static PluginChoice Choice(string name, string path) => new(name, null, null, null, path);

    private static string? Text(JsonElement root, string name, List<ConfigFinding> findings)
    {
        if (!root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        if (value.ValueKind == JsonValueKind.String) return value.GetString();
        findings.Add(new ConfigFinding($"$.{name}", new Finding(FindingSeverity.Error, $"is {value.GetRawText()}", "write a text")));
        return null;
    }

    private static bool Flag(JsonElement root, string name, List<ConfigFinding> findings)
    {
        if (!root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return false;
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False) return value.GetBoolean();
        findings.Add(new ConfigFinding($"$.{name}", new Finding(FindingSeverity.Error, $"is {value.GetRawText()}", "write true or false")));
        return false;
    }
}
