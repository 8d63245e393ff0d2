using System.Text.Json.Serialization;

namespace Terway.EniPool.State;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EniRecord))]
[JsonSerializable(typeof(IntentRecord))]
[JsonSerializable(typeof(WarmUpRecord))]
[JsonSerializable(typeof(ActivityRecord))]
internal sealed partial class StateJson : JsonSerializerContext;
