namespace Terway.Host.Manifests;

/// <summary>Which object of the cluster a manifest describes.</summary>
internal readonly record struct ObjectKey(ManifestKind Kind, string Namespace, string Name);

/// <summary>What is read; manifests of other kinds are passed over.</summary>
internal enum ManifestKind
{
    Service,
    EndpointSlice,
}

/// <summary>One object of a file.</summary>
/// <param name="Key">Which one.</param>
/// <param name="Digest">Of its text: equal for equal objects.</param>
/// <param name="Value">A <see cref="ServiceManifest"/> or an <see cref="EndpointSliceManifest"/>.</param>
internal sealed record ManifestObject(ObjectKey Key, UInt128 Digest, object Value);
