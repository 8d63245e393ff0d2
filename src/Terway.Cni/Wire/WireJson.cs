using System.Text.Json.Serialization;

namespace Terway.Cni.Wire;

/// <summary>
/// Serializers of the frame bodies. MaxDepth leaves room for a configuration at the entrypoint's own limit of 64 levels inside the request.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    MaxDepth = 80)]
[JsonSerializable(typeof(CniRequest))]
[JsonSerializable(typeof(CniResponse))]
internal sealed partial class WireJson : JsonSerializerContext;
