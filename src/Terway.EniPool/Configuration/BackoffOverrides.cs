using System.Text.Json;

namespace Terway.EniPool.Configuration;

/// <summary>
/// Upstream's <c>backoff_override</c>, as far as this pool has what a key speaks of. Upstream repeats calls inside an operation; here the operation
/// ends and what failed is left alone for the time given, so that <c>steps</c> is where the time stops growing, not where trying ends.
/// </summary>
internal sealed record BackoffOverrides
{
    public static readonly BackoffOverrides None = new();

    private const string Key = "backoff_override";
    private static readonly TimeSpan s_longest = TimeSpan.FromHours(1);

    // Upstream waits on conditions where this pool has events, or are for modes that it does not have.
    private static readonly string[] s_known = ["default", "eni_create", "eni_ip_ops", "eni_ops", "eni_release"];
    private static readonly string[] s_fields = ["duration", "factor", "jitter", "steps", "cap", "initialDelay"];

    /// <summary>Whatever has no key of its own.</summary>
    public BackoffShape Default { get; init; } = BackoffShape.Default;

    /// <summary>Making ENIs.</summary>
    public BackoffShape Create { get; init; } = BackoffShape.Default;

    /// <summary>Adding addresses to an ENI, taking them away, looking at it.</summary>
    public BackoffShape Addresses { get; init; } = BackoffShape.Default;

    /// <summary>Attaching an ENI and bringing it up.</summary>
    public BackoffShape Attach { get; init; } = BackoffShape.Default;

    /// <summary>Detaching and deleting an ENI.</summary>
    public BackoffShape Release { get; init; } = BackoffShape.Default;

    public static BackoffOverrides Read(JsonSettings json)
    {
        if (!json.Find(Key, out var all))
        {
            return None;
        }

        var path = $"{json.Path}.{Key}";
        if (all.ValueKind != JsonValueKind.Object)
        {
            json.WrongType(path, all, "an object from key to back-off");
            return None;
        }

        foreach (var name in all.EnumerateObject().Select(e => e.Name).Where(n => !s_known.Contains(n)))
        {
            json.Problems.Add(new($"{path}.{name}", $"'{name}' has no effect here", $"remove it; known are {string.Join(", ", s_known)}", Fatal: false));
        }

        var entries = new JsonSettings(all, path, json.Problems);
        var @default = Read(entries, "default", BackoffShape.Default);
        return new()
        {
            Default = @default,
            Create = Read(entries, "eni_create", @default),
            Addresses = Read(entries, "eni_ip_ops", @default),
            Attach = Read(entries, "eni_ops", @default),
            Release = Read(entries, "eni_release", @default),
        };
    }

    private static BackoffShape Read(JsonSettings entries, string name, BackoffShape fallback)
    {
        if (!entries.Find(name, out var entry))
        {
            return fallback;
        }

        var path = $"{entries.Path}.{name}";
        if (entry.ValueKind != JsonValueKind.Object)
        {
            entries.WrongType(path, entry, "an object with duration, factor, jitter, steps, cap");
            return fallback;
        }

        foreach (var field in entry.EnumerateObject().Select(f => f.Name).Where(f => !s_fields.Contains(f)))
        {
            entries.Problems.Add(new(
                $"{path}.{field}", $"'{field}' is not known", $"remove it; known are {string.Join(", ", s_fields)}", Fatal: false));
        }

        var json = new JsonSettings(entry, path, entries.Problems);
        var first = Time(json, "duration") ?? fallback.First;
        var factor = json.Fraction("factor", fallback.Factor);
        if (factor < 1)
        {
            json.Problems.Add(new($"{path}.factor", "a wait that gets shorter with each failure would end in a flood of calls", "write at least 1"));
            factor = fallback.Factor;
        }

        // What waits before the first look is the first wait here.
        var delay = Time(json, "initialDelay") ?? TimeSpan.Zero;
        first = delay > first ? delay : first;
        var longest = Time(json, "cap") ?? (first > fallback.Longest ? first : fallback.Longest);
        return new(first, factor, json.Fraction("jitter", fallback.Jitter), json.Integer("steps", fallback.Steps, 0, 1000), longest);
    }

    // Text, or whole nanoseconds: a Go duration as JSON has it. 0 is Go's "not set".
    private static TimeSpan? Time(JsonSettings json, string name)
    {
        if (!json.Find(name, out var value))
        {
            return null;
        }

        TimeSpan time;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var nanoseconds))
        {
            time = TimeSpan.FromTicks(nanoseconds / 100);
        }
        else if (value.ValueKind != JsonValueKind.String || !GoDuration.TryParse(value.GetString()!, out time))
        {
            json.WrongType($"{json.Path}.{name}", value, "a duration such as \"5s\"");
            return null;
        }

        if (time == TimeSpan.Zero && !(value.ValueKind == JsonValueKind.Number && value.GetInt64() != 0))
        {
            return null;
        }

        // Under 100 ms a refusal would be asked for again faster than the cloud's own limits allow.
        if (time < TimeSpan.FromMilliseconds(100) || time > s_longest)
        {
            json.Problems.Add(new($"{json.Path}.{name}", "it is out of range", "write a duration from 100ms to 1h"));
            return null;
        }

        return time;
    }
}
