using System.Text.Json.Serialization;

namespace Terway.Host.Manifests;

// The parts of Kubernetes' EndpointSlice (discovery.k8s.io/v1) that are used here, with its names.

internal sealed record EndpointSliceManifest(
    ManifestMetadata? Metadata, string? AddressType, IReadOnlyList<EndpointManifest>? Endpoints, IReadOnlyList<EndpointPort>? Ports);

internal sealed record EndpointManifest(IReadOnlyList<string>? Addresses, EndpointConditions? Conditions, string? NodeName, EndpointHints? Hints);

internal sealed record EndpointConditions(bool? Ready, bool? Serving, bool? Terminating);

internal sealed record EndpointHints(IReadOnlyList<ZoneHint>? ForZones);

internal sealed record ZoneHint(string? Name);

internal sealed record EndpointPort(string? Name, string? Protocol, int? Port);

internal sealed record ManifestMetadata(string? Name, string? Namespace, ManifestLabels? Labels);

/// <summary>Only the label that says whose a slice is.</summary>
internal sealed record ManifestLabels([property: JsonPropertyName(ManifestLabels.ServiceNameLabel)] string? ServiceName)
{
    public const string ServiceNameLabel = "kubernetes.io/service-name";
}
