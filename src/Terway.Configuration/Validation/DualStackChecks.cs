using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Terway.Configuration.Validation;

/// <summary>What must be so before pods can have an IPv6 address, as far as it can be told without asking the cloud; each lack is a finding of its own.</summary>
internal static class DualStackChecks
{
    /// <summary>The first version in which a pod of any cluster can have two addresses.</summary>
    public static Version OldestKubernetes { get; } = new(1, 22);

    public static void Check(NodePoolConfig config, JsonElement settings, ValidationContext context, List<ConfigFinding> findings)
    {
        if (!PoolMode.Of(config).DualStack) return;
        var path = InstanceChecks.DualStackPath(config);
        if (settings.TryGetProperty("enable_erdma", out var erdma) && erdma.ValueKind == JsonValueKind.True)
            findings.Add(ConfigFinding.Error(path, "dual stack and eRDMA (enable_erdma) exclude each other", "remove one of them"));
        if (context.Kubernetes is { } version && version < OldestKubernetes)
        {
            findings.Add(ConfigFinding.Error(
                path, $"Kubernetes {version} has no dual stack: it takes {OldestKubernetes} or newer", $"upgrade the cluster to {OldestKubernetes} or newer, or use IPv4 alone"));
        }

        if (context.ControlPlane is { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false } address)
        {
            findings.Add(ConfigFinding.Error(
                path, $"the control plane is at {address}: nodes of a dual-stack cluster talk to it over IPv4",
                "give nodes the API server's IPv4 address; make IPv4 the cluster's first family"));
        }
    }

    /// <summary>The version that Kubernetes tells as <c>v1.28.3-aliyun.1</c> or <c>1.22+</c>; null when it is none.</summary>
    public static Version? ParseKubernetes(string? text)
    {
        var numbers = (text ?? "").Trim().TrimStart('v', 'V').Split('.', 3);
        return numbers.Length >= 2 && int.TryParse(numbers[0], out var major) && int.TryParse(numbers[1].TrimEnd('+'), out var minor) && major >= 0 && minor >= 0
            ? new Version(major, minor)
            : null;
    }

    /// <summary>The API server's address as Kubernetes gives it to every pod (KUBERNETES_SERVICE_HOST); null when it is none.</summary>
    public static IPAddress? ParseControlPlane(string? text) => IPAddress.TryParse((text ?? "").Trim().Trim('[', ']'), out var address) ? address : null;
}
