using System.Text.Json;
using Terway.Plugin;

namespace Terway.Configuration;

/// <summary>Plugins of a configuration that has no list of them: one written for upstream Terway.</summary>
internal static class UpstreamTranslation
{
    /// <summary>The node's label that says, as upstream has it, whether pods have ENIs of their own; set once, when the node joins.</summary>
    public const string ExclusiveLabel = "k8s.aliyun.com/exclusive-mode-eni-type";

    /// <param name="root">The configuration.</param>
    /// <param name="labels">The node's labels, as far as they are known.</param>
    /// <param name="map">The ConfigMap that the configuration is a key of; null where there is none, which asks for no network policies.</param>
    /// <param name="findings">Takes what is wrong.</param>
    public static List<PluginChoice> Plugins(
        JsonElement root, IReadOnlyDictionary<string, string> labels, UpstreamConfigMap? map, List<ConfigFinding> findings)
    {
        var type = Text(root, "eniip_virtual_type", findings);
        var trunking = Flag(root, "enable_eni_trunking", findings);
        var policies = map is { EnforcesPolicies: true } ? map : null;
        var plugins = IsExclusive(labels, findings)
            ? Exclusive($"the node's label {ExclusiveLabel} is {labels[ExclusiveLabel]}", type, trunking, policies, findings)
            : Shared(type, trunking, policies, findings);
        switch (Text(root, "ip_stack", findings))
        {
            case null or "" or "ipv4":
                break;
            case "dual":
                plugins.Add(Choice("IPv6DualStack", "$.ip_stack", "ip_stack is dual"));
                break;
            case var stack:
                findings.Add(new ConfigFinding("$.ip_stack", new Finding(FindingSeverity.Error, $"\"{stack}\" is not offered", "write ipv4 or dual")));
                break;
        }

        return plugins;
    }

    // Upstream compares without regard to case.
    private static bool IsExclusive(IReadOnlyDictionary<string, string> labels, List<ConfigFinding> findings)
    {
        var value = labels.GetValueOrDefault(ExclusiveLabel, "");
        switch (value.ToUpperInvariant())
        {
            case "ENIONLY":
                return true;
            case "" or "DEFAULT":
                return false;
            default:
                findings.Add(ConfigFinding.Error("$", $"the node's label {ExclusiveLabel} is \"{value}\"", "eniOnly or default, or no such label"));
                return false;
        }
    }

    // Acceleration and trunks are for nodes that share ENIs: a cluster's configuration, which speaks of all its nodes, may have them.
    private static List<PluginChoice> Exclusive(string label, string? type, bool trunking, UpstreamConfigMap? policies, List<ConfigFinding> findings)
    {
        if (type is { Length: > 0 } && !type.Equals("veth", StringComparison.OrdinalIgnoreCase))
            findings.Add(ConfigFinding.Info("$.eniip_virtual_type", $"\"{type}\" has no effect on this node, whose pods have ENIs of their own", "nothing to do; it is for the cluster's other nodes"));
        if (trunking)
            findings.Add(ConfigFinding.Info("$.enable_eni_trunking", "has no effect on this node, whose pods have ENIs of their own", "nothing to do; it is for the cluster's other nodes"));
        if (policies is not null)
            findings.Add(ConfigFinding.Info(UpstreamConfigMap.DisablePolicyKey, "network policies have no effect on this node, whose pods have ENIs of their own", "run pods that need policies on other nodes"));
        return [Choice("ExclusiveEni", "$", label)];
    }

    private static List<PluginChoice> Shared(string? type, bool trunking, UpstreamConfigMap? policies, List<ConfigFinding> findings)
    {
        var plugins = new List<PluginChoice> { Choice("SharedEni", "$", "no label gives pods ENIs of their own") };
        switch (type?.ToUpperInvariant())
        {
            case null or "" or "VETH":
                break;
            case "IPVLAN":
                plugins.Add(Choice("DataPathV2", "$.eniip_virtual_type", $"eniip_virtual_type is {type}"));
                findings.Add(new ConfigFinding("$.eniip_virtual_type", new Finding(
                    FindingSeverity.Warning, "IPVlan is not offered any more; its pods get DataPathV2", "write \"datapathv2\"")));
                break;
            case "DATAPATHV2":
                plugins.Add(Choice("DataPathV2", "$.eniip_virtual_type", $"eniip_virtual_type is {type}"));
                break;
            default:
                findings.Add(new ConfigFinding("$.eniip_virtual_type", new Finding(
                    FindingSeverity.Error, $"\"{type}\" is not known", "write veth, datapathv2 or ipvlan")));
                break;
        }

        if (trunking) plugins.Add(Choice("TrunkEni", "$.enable_eni_trunking", "enable_eni_trunking is true"));
        if (policies is not null)
        {
            plugins.Add(Choice(
                "NetworkPolicy", UpstreamConfigMap.DisablePolicyKey, policies.DisablePolicy is null ? "policies are enforced unless disable_network_policy is set" : $"disable_network_policy is \"{policies.DisablePolicy.Trim()}\""));
        }

        return plugins;
    }

    private static PluginChoice Choice(string name, string path, string because) => new(name, null, null, null, path) { Because = because };

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
