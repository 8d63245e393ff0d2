using System.Net;
using System.Net.Sockets;
using Terway.Plugin;

namespace Terway.Host.Manifests;

/// <summary>From Kubernetes' objects to the contract's Services.</summary>
internal static class ServiceResolver
{
    /// <summary>Kubernetes' default, three hours.</summary>
    private const int DefaultAffinitySeconds = 10800;

    private const int MaxAffinitySeconds = 86400;

    /// <exception cref="FormatException">A value cannot be used; the message has its path.</exception>
    public static void Check(ServiceManifest service)
    {
        var spec = service.Spec ?? throw new FormatException("spec is missing");
        CheckAddresses(Clusters(spec), "spec.clusterIPs");
        CheckAddresses(spec.ExternalIPs, "spec.externalIPs");
        CheckAddresses([.. Ingress(service).Select(static i => i.Ip!)], "status.loadBalancer.ingress");
        var ports = spec.Ports ?? [];
        for (var i = 0; i < ports.Count; i++)
        {
            if (ports[i] is null) throw new FormatException($"spec.ports[{i}] is empty");
            CheckPort(ports[i].Port, $"spec.ports[{i}].port");
            if (ports[i].NodePort is { } node and not 0) CheckPort(node, $"spec.ports[{i}].nodePort");
            CheckProtocol(ports[i].Protocol, $"spec.ports[{i}].protocol");
        }

        if (spec.SessionAffinityConfig?.ClientIP?.TimeoutSeconds is { } seconds and (< 1 or > MaxAffinitySeconds))
            throw new FormatException($"spec.sessionAffinityConfig.clientIP.timeoutSeconds is {seconds}, not 1 to {MaxAffinitySeconds}");
    }

    /// <inheritdoc cref="Check(ServiceManifest)"/>
    public static void Check(EndpointSliceManifest slice)
    {
        var endpoints = slice.Endpoints ?? [];
        for (var i = 0; i < endpoints.Count && HasAddresses(slice); i++)
        {
            if (endpoints[i]?.Addresses is not [var address, ..]) throw new FormatException($"endpoints[{i}].addresses is empty");
            if (!IPAddress.TryParse(address, out _)) throw new FormatException($"endpoints[{i}].addresses has {address}, which is no address");
        }

        var ports = slice.Ports ?? [];
        for (var i = 0; i < ports.Count; i++)
        {
            if (ports[i] is null) throw new FormatException($"ports[{i}] is empty");
            if (ports[i].Port is { } port) CheckPort(port, $"ports[{i}].port");
            CheckProtocol(ports[i].Protocol, $"ports[{i}].protocol");
        }
    }

    /// <summary>Null for a Service without addresses of its own.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="manifest">Checked.</param>
    /// <param name="slices">All of its EndpointSlices, checked; of endpoints that are there twice the first counts.</param>
    public static Service? Resolve(ServiceName name, ServiceManifest manifest, IEnumerable<EndpointSliceManifest> slices)
    {
        var spec = manifest.Spec!;
        if (spec.Type == "ExternalName" || spec.ClusterIP == "None" || Clusters(spec) is not { Count: > 0 } clusters || clusters[0] == "None") return null;
        var ofAddresses = slices.Where(HasAddresses).ToList();
        return new Service
        {
            Name = name,
            ClusterAddresses = [.. clusters.Select(IPAddress.Parse)],
            ExternalAddresses = [.. (spec.ExternalIPs ?? []).Concat(Ingress(manifest).Where(static i => i.IpMode != "Proxy").Select(static i => i.Ip!)).Select(IPAddress.Parse).Distinct()],
            Ports = [.. (spec.Ports ?? []).Select(port => new ServicePort
            {
                Name = port.Name ?? "",
                Protocol = port.Protocol ?? "TCP",
                Port = (ushort)port.Port,
                NodePort = (ushort)(port.NodePort ?? 0),
                Endpoints = Endpoints(port, ofAddresses),
            })],
            Affinity = spec.SessionAffinity == "ClientIP"
                ? TimeSpan.FromSeconds(spec.SessionAffinityConfig?.ClientIP?.TimeoutSeconds ?? DefaultAffinitySeconds) : null,
            InternalLocal = spec.InternalTrafficPolicy == "Local",
            ExternalLocal = spec.ExternalTrafficPolicy == "Local",
        };
    }

    private static List<ServiceEndpoint> Endpoints(ServicePortSpec port, List<EndpointSliceManifest> slices)
    {
        var seen = new HashSet<(IPAddress, ushort)>();
        var endpoints = new List<ServiceEndpoint>();
        foreach (var slice in slices)
        {
            foreach (var own in slice.Ports ?? [])
            {
                if ((own.Name ?? "") != (port.Name ?? "") || (own.Protocol ?? "TCP") != (port.Protocol ?? "TCP") || own.Port is not { } number) continue;
                foreach (var endpoint in slice.Endpoints ?? [])
                {
                    // Kubernetes writes one; more would be the same endpoint again.
                    var address = IPAddress.Parse(endpoint.Addresses![0]);
                    if (!seen.Add((address, (ushort)number))) continue;
                    var ready = endpoint.Conditions?.Ready ?? true;
                    endpoints.Add(new ServiceEndpoint
                    {
                        Address = address,
                        Port = (ushort)number,
                        Ready = ready,
                        Serving = endpoint.Conditions?.Serving ?? ready,
                        Terminating = endpoint.Conditions?.Terminating ?? false,
                        Node = endpoint.NodeName ?? "",
                        Zones = endpoint.Hints?.ForZones is { Count: > 0 } zones ? [.. zones.Select(static z => z?.Name ?? "")] : [],
                    });
                }
            }
        }

        return endpoints;
    }

    private static bool HasAddresses(EndpointSliceManifest slice) => slice.AddressType is null or "IPv4" or "IPv6";

    private static IReadOnlyList<string> Clusters(ServiceSpec spec) =>
        spec.ClusterIPs is { Count: > 0 } all ? all : spec.ClusterIP is { Length: > 0 } one ? [one] : [];

    private static IEnumerable<LoadBalancerIngress> Ingress(ServiceManifest service) =>
        (service.Status?.LoadBalancer?.Ingress ?? []).Where(static i => i is { Ip.Length: > 0 });

    private static void CheckAddresses(IReadOnlyList<string>? addresses, string path)
    {
        foreach (var address in addresses ?? [])
        {
            if (address != "None" && !IPAddress.TryParse(address, out _)) throw new FormatException($"{path} has {address}, which is no address");
        }
    }

    private static void CheckPort(int port, string path)
    {
        if (port is < 1 or > ushort.MaxValue) throw new FormatException($"{path} is {port}, not 1 to 65535");
    }

    private static void CheckProtocol(string? protocol, string path)
    {
        if (protocol is not (null or "TCP" or "UDP" or "SCTP")) throw new FormatException($"{path} is {protocol}, not TCP, UDP or SCTP");
    }
}
