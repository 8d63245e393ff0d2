using System.Text;
using System.Text.Json;

namespace Terway.Lab.Cloud.Faults;

/// <summary>Faults as the control API reads and writes them.</summary>
public static class FaultJson
{
    /// <summary>Names of all kinds, in the order of the enum.</summary>
    public static IReadOnlyList<string> KindNames { get; } = [.. FaultTraits.All.Select(static t => t.Name)];

    /// <exception cref="FaultException">Names the field that is wrong, and what is allowed.</exception>
    public static FaultRule Parse(string json)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json);
        }
        catch (JsonException e)
        {
            throw new FaultException("", $"the fault is not valid JSON: {e.Message}", e);
        }
        using (document)
        {
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? Read(document.RootElement)
                : throw new FaultException("", "a fault is a JSON object, for example {\"kind\": \"error\", \"api\": \"AssignPrivateIpAddresses\", \"calls\": [3]}");
        }
    }

    public static void Write(Utf8JsonWriter json, FaultState state)
    {
        json.WriteStartObject();
        WriteRule(json, state.Rule);
        json.WriteNumber("matched", state.Matched);
        json.WriteNumber("hit", state.Hit);
        json.WriteEndObject();
    }

    private static void WriteRule(Utf8JsonWriter json, FaultRule rule)
    {
        if (rule.Id.Length > 0)
            json.WriteString("id", rule.Id);
        json.WriteString("kind", FaultTraits.Of(rule.Kind).Name);
        if (FaultTraits.Of(rule.Kind).Apis.Count > 0)
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
        if (rule.SkewMs != 0)
            json.WriteNumber("skewMs", rule.SkewMs);
        if (rule.AtMost is { } atMost)
            json.WriteNumber("atMost", atMost);
        if (rule.Enis is { } enis)
            json.WriteNumber("enis", enis);
        if (rule.Addresses is { } addresses)
            json.WriteNumber("addresses", addresses);
        if (rule.HangMs > 0)
            json.WriteNumber("hangMs", rule.HangMs);
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
    }

    /// <summary>The rule as <see cref="Parse"/> reads it.</summary>
    public static string Format(FaultRule rule)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            WriteRule(json, rule);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static FaultRule Read(JsonElement element)
    {
        if (!element.TryGetProperty("kind", out var kind) || kind.ValueKind != JsonValueKind.String || FaultTraits.Find(kind.GetString()!) is not { } traits)
            throw new FaultException("kind", $"must be one of {string.Join(", ", KindNames)}");
        var rule = new FaultRule { Kind = traits.Kind };
        foreach (var property in element.EnumerateObject())
        {
            if (!traits.AllFields.Contains(property.Name))
                throw new FaultException(property.Name, $"unknown for {traits.Name}; known are {string.Join(", ", traits.AllFields)}");
            try
            {
                rule = Apply(rule, property.Name, property.Value);
            }
            catch (Exception e) when (e is InvalidOperationException or FormatException)
            {
                throw new FaultException(property.Name, $"'{property.Value}' is not of the right type", e);
            }
        }
        return rule;
    }

    private static FaultRule Apply(FaultRule rule, string name, JsonElement value) => name switch
    {
        "id" => rule with { Id = Text(value) },
        "api" => rule with { Api = Text(value) },
        "code" => rule with { Code = Text(value) },
        "status" => rule with { Status = value.GetInt32() },
        "message" => rule with { Message = Text(value) },
        "latencyMs" => rule with { LatencyMs = value.GetInt32() },
        "retryAfterMs" => rule with { RetryAfterMs = value.GetInt32() },
        "lagMs" => rule with { LagMs = value.GetInt32() },
        "skewMs" => rule with { SkewMs = value.GetInt32() },
        "atMost" => rule with { AtMost = value.GetInt32() },
        "enis" => rule with { Enis = value.GetInt32() },
        "addresses" => rule with { Addresses = value.GetInt32() },
        "hangMs" => rule with { HangMs = value.GetInt32() },
        "target" => rule with { Target = Text(value) },
        "calls" => rule with { Calls = [.. value.EnumerateArray().Select(static v => v.GetInt32())] },
        "next" => rule with { Next = value.GetInt32() },
        "probability" => rule with { Probability = value.GetDouble() },
        "seed" => rule with { Seed = value.GetInt32() },
        _ => rule,
    };

    private static string Text(JsonElement value) => value.GetString() ?? throw new FormatException("null is no text");
}
