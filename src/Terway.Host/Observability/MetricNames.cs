using System.Text;

namespace Terway.Host.Observability;

/// <summary>From the names of instruments to those of Prometheus (https://prometheus.io/docs/concepts/data_model/).</summary>
internal static class MetricNames
{
    private const string Prefix = "terway_";

    /// <summary><c>terway.cni.call.duration</c> in <c>s</c> becomes <c>terway_cni_call_duration_seconds</c>; counters end in <c>_total</c>.</summary>
    public static string Metric(string instrument, string? unit, MetricKind kind)
    {
        var name = Sanitise(instrument, colon: true);
        if (!name.StartsWith(Prefix, StringComparison.Ordinal)) name = Prefix + name;
        var suffix = unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            _ => "",
        };
        if (!name.EndsWith(suffix, StringComparison.Ordinal)) name += suffix;
        return kind == MetricKind.Counter && !name.EndsWith("_total", StringComparison.Ordinal) ? name + "_total" : name;
    }

    /// <summary>A name that a label may have. <c>le</c> is the histograms' own, and names that begin with two underscores are Prometheus'.</summary>
    public static string Label(string tag)
    {
        var name = Sanitise(tag, colon: false);
        if (name == "le") return "le_";
        return name.StartsWith("__", StringComparison.Ordinal) ? "x" + name : name;
    }

    private static string Sanitise(string text, bool colon)
    {
        var result = new StringBuilder(text.Length + 1);
        if (text.Length == 0 || char.IsAsciiDigit(text[0])) result.Append('_');
        foreach (var c in text) result.Append(char.IsAsciiLetterOrDigit(c) || c == '_' || (colon && c == ':') ? c : '_');
        return result.ToString();
    }
}
