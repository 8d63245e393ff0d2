using System.Text.Json;
using Terway.Plugin;

namespace Terway.Host.Pods;

/// <summary>
/// Pod manifests in a folder, one file <c>namespace/name.json</c> a pod, read when the pod comes: what takes the cluster's place in a lab.
/// </summary>
internal sealed class ManifestPodFacts(string? folder) : IPodFacts
{
    /// <exception cref="PodNetworkException">The manifest is there but cannot be read: a pod must not silently lose its limits or policies.</exception>
    public async ValueTask<PodFacts> FindAsync(string @namespace, string name, CancellationToken cancellationToken)
    {
        if (folder is null || !IsName(@namespace) || !IsName(name)) return PodFacts.None;
        var path = Path.Combine(folder, @namespace, name + ".json");
        if (!File.Exists(path)) return PodFacts.None;
        try
        {
            using var document = JsonDocument.Parse(await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false));
            var metadata = document.RootElement.GetProperty("metadata");
            return new PodFacts(
                metadata.TryGetProperty("uid", out var uid) ? uid.GetString() ?? "" : "", Map(metadata, "labels"), Map(metadata, "annotations"));
        }
        catch (Exception e) when (e is IOException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new PodNetworkException("pod", $"manifest {path} cannot be read: {e.Message}", "correct the manifest", canRetry: true, e);
        }
    }

    // RFC 1123 names: nothing in them can lead out of the folder.
    private static bool IsName(string text) =>
        text.Length is > 0 and <= 253 && text[0] != '.' && text.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '.');

    private static Dictionary<string, string> Map(JsonElement metadata, string name)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        if (metadata.TryGetProperty(name, out var element) && element.ValueKind == JsonValueKind.Object)
        {
            foreach (var property in element.EnumerateObject()) map[property.Name] = property.Value.GetString() ?? "";
        }

        return map;
    }
}
