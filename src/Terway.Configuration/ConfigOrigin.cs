using System.Text.Json;

namespace Terway.Configuration;

/// <summary>Which of two merged files a place of the result comes from.</summary>
/// <param name="baseSource">Name of the file below.</param>
/// <param name="overlay">Content of the file above.</param>
/// <param name="overlaySource">Its name.</param>
/// <param name="below">Where the parts of the file below come from, when it is merged itself.</param>
internal sealed class ConfigOrigin(string baseSource, JsonElement overlay, string overlaySource, ConfigOrigin? below = null)
{
    /// <summary>The file that has the last word at a JSON path such as <c>$.plugins[0].version</c>.</summary>
    public string Of(string path)
    {
        // A key of the ConfigMap beside the JSON.
        if (path == UpstreamConfigMap.DisablePolicyKey) return path;
        var at = overlay;
        foreach (var segment in path.Split('.').Skip(1))
        {
            // Lists are replaced whole: what is inside comes from where the list does.
            var name = segment.Split('[')[0];
            if (at.ValueKind != JsonValueKind.Object) return overlaySource;
            if (!at.TryGetProperty(name, out var next)) return below?.Of(path) ?? baseSource;
            at = next;
        }

        return overlaySource;
    }
}
