namespace Terway.Host.Pods;

/// <summary>What the cluster says of a pod.</summary>
/// <param name="Uid">UID, or empty.</param>
/// <param name="Labels">Labels.</param>
/// <param name="Annotations">Annotations.</param>
internal sealed record PodFacts(string Uid, IReadOnlyDictionary<string, string> Labels, IReadOnlyDictionary<string, string> Annotations)
{
    public static readonly PodFacts None = new("", new Dictionary<string, string>(), new Dictionary<string, string>());
}

/// <summary>Where a pod's labels and annotations come from: the cluster's API, or a folder of manifests when there is none.</summary>
internal interface IPodFacts
{
    /// <summary>Facts of the pod, or <see cref="PodFacts.None"/> when it is not known.</summary>
    ValueTask<PodFacts> FindAsync(string @namespace, string name, CancellationToken cancellationToken);
}
