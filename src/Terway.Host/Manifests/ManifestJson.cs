using System.Text.Json;
using System.Text.Json.Serialization;

namespace Terway.Host.Manifests;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(ServiceManifest))]
[JsonSerializable(typeof(EndpointSliceManifest))]
internal sealed partial class ManifestJson : JsonSerializerContext
{
    /// <summary>Names such as those of nodes and zones are the same few in thousands of endpoints.</summary>
    public static ManifestJson WithPool(StringPool pool)
    {
        var options = new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };
        options.Converters.Add(pool);
        return new ManifestJson(options);
    }
}
