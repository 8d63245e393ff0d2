using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Terway.Plugin;

namespace Terway.Host.State;

/// <summary>Form of the journal's records. Unknown members are ignored, so that an older daemon can read what a newer one wrote.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    // Every member is written, also what is 0, false or null: a required one that is not there makes the record, and with it the file, unreadable.
    // A null where none may be, from a plugin say, fails when it is written, not when the daemon starts again.
    RespectNullableAnnotations = true,
    Converters = [typeof(IPAddressConverter), typeof(IPNetworkConverter)])]
[JsonSerializable(typeof(AttachmentRecord))]
[JsonSerializable(typeof(IReadOnlyList<KernelObject>))]
[JsonSerializable(typeof(NodeFacts))]
internal sealed partial class StateJson : JsonSerializerContext;

internal sealed class IPAddressConverter : JsonConverter<IPAddress>
{
    public override IPAddress Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        IPAddress.TryParse(reader.GetString(), out var address) ? address : throw new JsonException("not an IP address");

    public override void Write(Utf8JsonWriter writer, IPAddress value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}

internal sealed class IPNetworkConverter : JsonConverter<IPNetwork>
{
    public override IPNetwork Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        IPNetwork.TryParse(reader.GetString(), out var network) ? network : throw new JsonException("not a CIDR");

    public override void Write(Utf8JsonWriter writer, IPNetwork value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
