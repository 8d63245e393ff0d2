using System.Buffers;
using System.Text.Json;
using Terway.Plugin;

namespace Terway.Configuration;

/// <summary>An upstream cluster's CNI configuration: what of it becomes settings, and what has no effect here.</summary>
internal static class UpstreamCniConf
{
    private static readonly string[] s_taken = ["eniip_virtual_type", "host_stack_cidrs", "disable_host_peer", "mtu"];

    // What says nothing about how pods are connected, or what is so in any case.
    private static readonly string[] s_silent = ["cniVersion", "name", "type", "capabilities", "veth_prefix", "auto_mtu", "debug", "dns", "ipam"];

    private static readonly Dictionary<string, (FindingSeverity Severity, string Reason, string Fix)> s_without = new(StringComparer.Ordinal)
    {
        ["symmetric_routing"] = (FindingSeverity.Warning, "has no effect: answers to NodePort traffic are not marked", "use externalTrafficPolicy Cluster, or leave the node as it is"),
        ["symmetric_routing_config"] = (FindingSeverity.Info, "is not used, nor is symmetric_routing", "nothing to do; it may stay"),
        ["enable_network_priority"] = (FindingSeverity.Warning, "has no effect: pods have no traffic classes", "use bandwidth annotations"),
        ["bandwidth_mode"] = (FindingSeverity.Info, "is not used: DataPathV2 keeps limits by departure times where the kernel can, everything else by token buckets", "nothing to do; it may stay"),
        ["network_policy_provider"] = (FindingSeverity.Info, "is not used: policies are enforced in eBPF whatever it says", "nothing to do; it may stay"),
        ["vlan_strip_type"] = (FindingSeverity.Info, "is not used: tags are stripped in eBPF whatever it says", "nothing to do; it may stay"),
    };

    /// <summary>The settings in it. What is wrong becomes findings that name the key of the ConfigMap.</summary>
    /// <param name="json">The CNI configuration, or a chain with one.</param>
    /// <param name="source">Its key.</param>
    /// <param name="findings">Takes what is wrong.</param>
    public static JsonElement Settings(ReadOnlyMemory<byte> json, string source, List<ConfigFinding> findings)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var settings = new Utf8JsonWriter(buffer))
        {
            settings.WriteStartObject();
            foreach (var member in Members(json, source, findings))
            {
                if (s_taken.Contains(member.Name)) member.WriteTo(settings);
                else if (Without(member) is { } finding) findings.Add(finding with { Source = source });
            }

            settings.WriteEndObject();
        }

        using var document = JsonDocument.Parse(buffer.WrittenMemory);
        return document.RootElement.Clone();
    }

    private static ConfigFinding? Without(JsonProperty member)
    {
        var path = $"$.{member.Name}";
        if (s_silent.Contains(member.Name) || member.Value.ValueKind is JsonValueKind.Null or JsonValueKind.False) return null;
        if (s_without.TryGetValue(member.Name, out var why)) return new ConfigFinding(path, new Finding(why.Severity, why.Reason, why.Fix));
        return member.Name.StartsWith("cilium_", StringComparison.Ordinal)
            ? ConfigFinding.Info(path, "is not used: there is no Cilium agent", "nothing to do; it may stay")
            : ConfigFinding.Warning(path, "is no known key and has no effect", "correct or remove it");
    }

    private static IReadOnlyList<JsonProperty> Members(ReadOnlyMemory<byte> json, string source, List<ConfigFinding> findings)
    {
        var unreadable = new List<ConfigFinding>();
        if (NodePoolConfig.Read(json, source, unreadable) is not { } root)
        {
            findings.AddRange(unreadable.Select(f => f with { Source = source }));
            return [];
        }

        var conf = root;
        if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("plugins", out var chain) && chain.ValueKind == JsonValueKind.Array)
        {
            conf = chain.EnumerateArray().FirstOrDefault(static p =>
                p.ValueKind == JsonValueKind.Object && p.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String && type.ValueEquals("terway"));
        }

        if (conf.ValueKind == JsonValueKind.Object) return [.. conf.EnumerateObject()];
        findings.Add(ConfigFinding.Error("$", $"{source} is no CNI configuration of terway", "correct it, or list plugins in eni_conf") with { Source = source });
        return [];
    }
}
