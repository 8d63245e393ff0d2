using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Terway.Cli.Commands;
using Terway.Cli.Doctor;
using Terway.Cli.Mapping;

namespace Terway.Cli.Output;

/// <summary>JSON of the command's results, without reflection: start-up counts.</summary>
[JsonSerializable(typeof(CapacityReport))]
[JsonSerializable(typeof(ValidationReport))]
[JsonSerializable(typeof(ExplainReport))]
[JsonSerializable(typeof(MappingReport))]
[JsonSerializable(typeof(DoctorReport))]
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
internal sealed partial class CliJson : JsonSerializerContext
{
    /// <summary>For terminals and files, not for HTML: quotes stay readable.</summary>
    public static CliJson Readable => field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
