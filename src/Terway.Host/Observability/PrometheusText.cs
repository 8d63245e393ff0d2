using System.Buffers;
using System.Globalization;
using System.Text;

namespace Terway.Host.Observability;

/// <summary>The text format, version 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/).</summary>
internal static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    public static ReadOnlyMemory<byte> Write(IReadOnlyList<(MetricFamily Family, MetricSeries[] Series)> metrics)
    {
        var text = new StringBuilder(16 * 1024);
        foreach (var (family, series) in metrics)
        {
            text.Append("# HELP ").Append(family.Name).Append(' ');
            Escape(text, family.Help, quotes: false);
            text.Append("\n# TYPE ").Append(family.Name).Append(' ').Append(family.Kind switch
            {
                MetricKind.Counter => "counter",
                MetricKind.Gauge => "gauge",
                _ => "histogram",
            }).Append('\n');
            foreach (var one in series)
            {
                if (family.Kind == MetricKind.Histogram) Histogram(text, family, one);
                else Sample(text, family.Name, "", one.Tags, null, Number(one.Value));
            }
        }

        var buffer = new ArrayBufferWriter<byte>(Encoding.UTF8.GetMaxByteCount(text.Length));
        foreach (var chunk in text.GetChunks()) Encoding.UTF8.GetBytes(chunk.Span, buffer);
        return buffer.WrittenMemory;
    }

    private static void Histogram(StringBuilder text, MetricFamily family, MetricSeries series)
    {
        // Observations go on meanwhile: the count is made of the same buckets, so that it never contradicts them.
        var count = 0L;
        for (var i = 0; i <= family.Bounds!.Length; i++)
        {
            count += series.Bucket(i);
            var bound = i < family.Bounds.Length ? Number(family.Bounds[i]) : "+Inf";
            Sample(text, family.Name, "_bucket", series.Tags, bound, count.ToString(CultureInfo.InvariantCulture));
        }

        Sample(text, family.Name, "_sum", series.Tags, null, Number(series.Value));
        Sample(text, family.Name, "_count", series.Tags, null, count.ToString(CultureInfo.InvariantCulture));
    }

    private static void Sample(StringBuilder text, string name, string suffix, KeyValuePair<string, string>[] tags, string? bound, string value)
    {
        text.Append(name).Append(suffix);
        if (tags.Length > 0 || bound is not null)
        {
            var separator = '{';
            foreach (var (label, content) in tags)
            {
                text.Append(separator).Append(label).Append("=\"");
                Escape(text, content, quotes: true);
                text.Append('"');
                separator = ',';
            }

            if (bound is not null) text.Append(separator).Append("le=\"").Append(bound).Append('"');
            text.Append('}');
        }

        text.Append(' ').Append(value).Append('\n');
    }

    private static void Escape(StringBuilder text, string content, bool quotes)
    {
        foreach (var c in content)
        {
            _ = c switch
            {
                '\\' => text.Append("\\\\"),
                '\n' => text.Append("\\n"),
                '"' when quotes => text.Append("\\\""),
                _ => text.Append(c),
            };
        }
    }

    private static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf" : double.IsNegativeInfinity(value) ? "-Inf" : value.ToString("R", CultureInfo.InvariantCulture);
}
