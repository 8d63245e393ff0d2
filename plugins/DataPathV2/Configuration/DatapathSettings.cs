using System.Net;
using System.Text.Json;

namespace Terway.Plugins.DataPathV2.Configuration;

/// <summary>What eni_conf says to this plugin.</summary>
internal sealed record DatapathSettings
{
    private const uint DefaultPodAddresses = 4096;
    private const uint DefaultStackFlows = 65536;
    private const uint DefaultServiceAddresses = 65536;
    private const uint DefaultServiceBackends = 262144;
    private const uint DefaultServiceFlows = 65536;

    /// <summary>Networks that go through the node's own stack whatever the tables say.</summary>
    public IReadOnlyList<IPNetwork> HostStackNetworks { get; init; } = [];

    /// <summary>Entries of a map of pods' addresses.</summary>
    public uint MaxPodAddresses { get; init; } = DefaultPodAddresses;

    /// <summary>Entries of a map of flows.</summary>
    public uint MaxStackFlows { get; init; } = DefaultStackFlows;

    /// <summary>Whether Services are balanced at the sockets of pods and node.</summary>
    public bool Services { get; init; } = true;

    /// <summary>Addresses with port and protocol by which Services are reached.</summary>
    public uint MaxServiceAddresses { get; init; } = DefaultServiceAddresses;

    /// <summary>Backends of all Services, each Service's rounded up to a power of two.</summary>
    public uint MaxServiceBackends { get; init; } = DefaultServiceBackends;

    /// <summary>Sockets and clients that are remembered with their backends.</summary>
    public uint MaxServiceFlows { get; init; } = DefaultServiceFlows;

    /// <summary>How limits of bandwidth are kept.</summary>
    public BandwidthMode Bandwidth { get; init; }

    /// <exception cref="PodNetworkException">A value cannot be used; the message has its path.</exception>
    public static DatapathSettings Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object) return new();
        return new()
        {
            HostStackNetworks = [.. Networks(root, "host_stack_cidrs"), .. Networks(root, "service_cidr")],
            MaxPodAddresses = Number(root, "max_pod_addresses", DefaultPodAddresses, 16, 65536),
            MaxStackFlows = Number(root, "max_stack_flows", DefaultStackFlows, 1024, 4194304),
            Services = !root.TryGetProperty("services", out var services) || services.ValueKind switch
            {
                JsonValueKind.True => true,
                JsonValueKind.False => false,
                _ => throw Wrong("services", services, "write true or false"),
            },
            Bandwidth = Mode(root, "bandwidth_mode"),
            MaxServiceAddresses = Number(root, "max_service_addresses", DefaultServiceAddresses, 64, 1048576),
            MaxServiceBackends = Number(root, "max_service_backends", DefaultServiceBackends, 64, 4194304),
            MaxServiceFlows = Number(root, "max_service_flows", DefaultServiceFlows, 1024, 4194304),
        };
    }

    private static BandwidthMode Mode(JsonElement root, string key)
    {
        if (!root.TryGetProperty(key, out var value)) return BandwidthMode.Auto;
        return (value.ValueKind == JsonValueKind.String ? value.GetString() : null) switch
        {
            "auto" => BandwidthMode.Auto,
            "edt" => BandwidthMode.Edt,
            "tbf" => BandwidthMode.Tbf,
            _ => throw Wrong(key, value, "write auto, edt or tbf"),
        };
    }

    private static uint Number(JsonElement root, string key, uint absent, uint min, uint max)
    {
        if (!root.TryGetProperty(key, out var value)) return absent;
        return value.ValueKind == JsonValueKind.Number && value.TryGetUInt32(out var number) && number >= min && number <= max
            ? number
            : throw Wrong(key, value, $"write a number from {min} to {max}");
    }

    // A list, or, as service_cidr has always been, one text with commas.
    private static IEnumerable<IPNetwork> Networks(JsonElement root, string key)
    {
        if (!root.TryGetProperty(key, out var value)) return [];
        const string form = "write networks such as 169.254.20.10/32";
        var texts = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            JsonValueKind.Array => [.. value.EnumerateArray().Select(e => e.ValueKind == JsonValueKind.String ? e.GetString()! : throw Wrong(key, e, form))],
            _ => throw Wrong(key, value, form),
        };
        return [.. texts.Select(text => IPNetwork.TryParse(text, out var network) ? network : throw Wrong(key, text, form))];
    }

    private static PodNetworkException Wrong(string key, object value, string next) =>
        new("configuration", $"$.{key} is {value}", next, canRetry: false);
}
