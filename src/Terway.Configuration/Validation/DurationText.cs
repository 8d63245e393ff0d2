using System.Globalization;

namespace Terway.Configuration.Validation;

/// <summary>Durations in Go's notation, which upstream's configuration uses: <c>90s</c>, <c>1h30m</c>, <c>0</c>.</summary>
internal static class DurationText
{
    private static readonly (string Name, double Seconds)[] s_units =
        [("ms", 1e-3), ("us", 1e-6), ("µs", 1e-6), ("ns", 1e-9), ("h", 3600), ("m", 60), ("s", 1)];

    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        var rest = text.AsSpan().Trim();
        if (rest is "0") return true;
        var seconds = 0d;
        var any = false;
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExceptInRange('.', '9');
            if (digits <= 0 || rest[..digits].Contains('/')
                || !double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) return false;
            rest = rest[digits..];
            var found = false;
            foreach (var (name, unit) in s_units)
            {
                if (!rest.StartsWith(name)) continue;
                seconds += number * unit;
                rest = rest[name.Length..];
                found = true;
                break;
            }

            if (!found) return false;
            any = true;
        }

        if (!any || !(seconds < TimeSpan.MaxValue.TotalSeconds / 2)) return false;
        duration = TimeSpan.FromSeconds(seconds);
        return true;
    }
}
