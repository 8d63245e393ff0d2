using System.Collections.Frozen;
using System.Text.Json;

namespace Terway.Lab.Cloud.Faults;

/// <summary>Faults as the control API reads and writes them.</summary>
public static class FaultJson
{
    private static readonly FrozenDictionary<string, FaultKind> s_kinds = new Dictionary<string, FaultKind>(StringComparer.Ordinal)
    {
        ["error"] = FaultKind.Error,
        ["latency"] = FaultKind.Latency,
        ["lost-answer"] = FaultKind.LostAnswer,
        ["unreachable"] = FaultKind.Unreachable,
        ["throttle"] = FaultKind.Throttle,
        ["attach-rollback"] = FaultKind.AttachRollback,
        ["metadata-lag"] = FaultKind.MetadataLag,
        ["vswitch-exhausted"] = FaultKind.VSwitchExhausted,
        ["credentials-expired"] = FaultKind.CredentialsExpired,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Names of all kinds, in the order of the enum.</summary>
    public static IReadOnlyList<string> KindNames { get; } = [.. s_kinds.OrderBy(static k => k.Value).Select(static k => k.Key)];

    /// <exception cref="ArgumentException">Names the field that is wrong.</exception>
    public static FaultRule Parse(string json)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json);
        }
        catch (JsonException e)
        {
            throw new ArgumentException($"the fault is not valid JSON: {e.Message}", e);
        }
        using (document)
        {
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? Read(document.RootElement)
                : throw new ArgumentException("a fault is a JSON object, for example {\"kind\": \"error\", \"api\": \"AssignPrivateIpAddresses\", \"calls\": [3]}");
        }
    }

    public static void Write(Utf8JsonWriter json, FaultState state)
    {
        var rule = state.Rule;
        json.WriteStartObject();
        json.WriteString("id", rule.Id);
        json.WriteString("kind", s_kinds.First(k => k.Value == rule.Kind).Key);
        json.WriteString("api", rule.Api);
        if (rule.Kind == FaultKind.Error)
        {
            json.WriteString("code", rule.Code);
            json.WriteNumber("status", rule.Status);
            json.WriteString("message", rule.Message);
        }
        if (rule.LatencyMs > 0)
            json.WriteNumber("latencyMs", rule.LatencyMs);
        if (rule.RetryAfterMs > 0)
            json.WriteNumber("retryAfterMs", rule.RetryAfterMs);
        if (rule.LagMs > 0)
            json.WriteNumber("lagMs", rule.LagMs);
        if (rule.Target is not null)
            json.WriteString("target", rule.Target);
        if (!rule.Calls.IsEmpty)
        {
            json.WriteStartArray("calls");
            foreach (var call in rule.Calls)
                json.WriteNumberValue(call);
            json.WriteEndArray();
        }
        if (rule.Next is { } next)
            json.WriteNumber("next", next);
        if (rule.Probability is { } probability)
        {
            json.WriteNumber("probability", probability);
            json.WriteNumber("seed", rule.Seed);
        }
        json.WriteNumber("matched", state.Matched);
        json.WriteNumber("hit", state.Hit);
        json.WriteEndObject();
    }

    private static FaultRule Read(JsonElement element)
    {
        FaultRule? rule = null;
        if (element.TryGetProperty("kind", out var kind) && kind.ValueKind == JsonValueKind.String && s_kinds.TryGetValue(kind.GetString()!, out var known))
            rule = new FaultRule { Kind = known };
        if (rule is null)
            throw new ArgumentException($"kind: must be one of {string.Join(", ", KindNames)}");
        foreach (var property in element.EnumerateObject())
        {
            try
            {
                rule = Apply(rule, property.Name, property.Value);
            }
            catch (Exception e) when (e is InvalidOperationException or FormatException)
            {
                throw new ArgumentException($"{property.Name}: '{property.Value}' is not of the right type", e);
            }
        }
        return rule;
    }

    private static FaultRule Apply(FaultRule rule, string name, JsonElement value) => name switch
    {
        "kind" => rule,
        "id" => rule with { Id = value.GetString() ?? "" },
        "api" => rule with { Api = value.GetString() ?? "*" },
        "code" => rule with { Code = value.GetString() ?? rule.Code },
        "status" => rule with { Status = value.GetInt32() },
        "message" => rule with { Message = value.GetString() ?? rule.Message },
        "latencyMs" => rule with { LatencyMs = value.GetInt32() },
        "retryAfterMs" => rule with { RetryAfterMs = value.GetInt32() },
        "lagMs" => rule with { LagMs = value.GetInt32() },
        "target" => rule with { Target = value.GetString() },
        "calls" => rule with { Calls = [.. value.EnumerateArray().Select(static v => v.GetInt32())] },
        "next" => rule with { Next = value.GetInt32() },
        "probability" => rule with { Probability = value.GetDouble() },
        "seed" => rule with { Seed = value.GetInt32() },
        _ => throw new ArgumentException(
            $"{name}: unknown; known are kind, id, api, code, status, message, latencyMs, retryAfterMs, lagMs, target, calls, next, probability, seed"),
    };
}
