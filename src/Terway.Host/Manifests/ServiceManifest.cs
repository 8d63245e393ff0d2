namespace Terway.Host.Manifests;

// The parts of Kubernetes' Service (v1) that are used here, with its names. Absent lists and explicit nulls are null.

internal sealed record ServiceManifest(ManifestMetadata? Metadata, ServiceSpec? Spec, ServiceStatus? Status);

internal sealed record ServiceSpec(
    string? Type,
    string? ClusterIP,
    IReadOnlyList<string>? ClusterIPs,
    IReadOnlyList<string>? ExternalIPs,
    IReadOnlyList<ServicePortSpec>? Ports,
    string? SessionAffinity,
    AffinityConfig? SessionAffinityConfig,
    string? InternalTrafficPolicy,
    string? ExternalTrafficPolicy);

internal sealed record ServicePortSpec(string? Name, string? Protocol, int Port, int? NodePort);

internal sealed record AffinityConfig(ClientIPConfig? ClientIP);

internal sealed record ClientIPConfig(int? TimeoutSeconds);

internal sealed record ServiceStatus(LoadBalancerStatus? LoadBalancer);

internal sealed record LoadBalancerStatus(IReadOnlyList<LoadBalancerIngress>? Ingress);

internal sealed record LoadBalancerIngress(string? Ip, string? IpMode);
