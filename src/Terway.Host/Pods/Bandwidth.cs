using System.Globalization;
using System.Text.Json;

namespace Terway.Host.Pods;

/// <summary>Limits of a pod's traffic in bytes per second; 0 is none.</summary>
/// <param name="Ingress">Towards the pod.</param>
/// <param name="Egress">From the pod.</param>
internal readonly record struct Bandwidth(long Ingress, long Egress)
{
    private const string KubernetesPrefix = "kubernetes.io/";
    private const string AliyunPrefix = "k8s.aliyun.com/";

    /// <summary>
    /// The CNI bandwidth capability (bits per second, https://www.cni.dev/docs/conventions/), else the pod's annotations:
    /// kubernetes.io/{ingress,egress}-bandwidth as a quantity in bits per second, else Terway's deprecated
    /// k8s.aliyun.com/{ingress,egress}-bandwidth in bytes per second.
    /// </summary>
    /// <exception cref="FormatException">A value cannot be read; the message names it.</exception>
    public static Bandwidth Read(JsonElement config, IReadOnlyDictionary<string, string> annotations) =>
        new(Direction(config, annotations, "ingress"), Direction(config, annotations, "egress"));

    private static long Direction(JsonElement config, IReadOnlyDictionary<string, string> annotations, string direction)
    {
        if (config.ValueKind == JsonValueKind.Object
            && config.TryGetProperty("runtimeConfig", out var runtime) && runtime.ValueKind == JsonValueKind.Object
            && runtime.TryGetProperty("bandwidth", out var bandwidth) && bandwidth.ValueKind == JsonValueKind.Object
            && TryGet(bandwidth, $"{direction}Rate", out var rate))
        {
            if (rate.ValueKind == JsonValueKind.Number && rate.TryGetInt64(out var bits) && bits >= 0)
            {
                if (bits > 0) return Math.Max(1, bits / 8);
            }
            else
            {
                throw new FormatException($"runtimeConfig.bandwidth.{direction}Rate must be a whole number of bits per second, not {rate.GetRawText()}");
            }
        }

        if (annotations.TryGetValue($"{KubernetesPrefix}{direction}-bandwidth", out var quantity))
        {
            return Math.Max(1, (long)(ParseQuantity(quantity, $"{KubernetesPrefix}{direction}-bandwidth", requireUnit: false) / 8));
        }

        if (annotations.TryGetValue($"{AliyunPrefix}{direction}-bandwidth", out var bytes))
        {
            return Math.Max(1, (long)ParseQuantity(bytes, $"{AliyunPrefix}{direction}-bandwidth", requireUnit: true));
        }

        return 0;
    }

    /// <summary>In any case, as Go programs read JSON: containerd (go-cni) writes IngressRate where the convention says ingressRate.</summary>
    private static bool TryGet(JsonElement json, string key, out JsonElement value)
    {
        foreach (var property in json.EnumerateObject())
        {
            if (!property.Name.Equals(key, StringComparison.OrdinalIgnoreCase)) continue;
            value = property.Value;
            return true;
        }

        value = default;
        return false;
    }

    private static decimal ParseQuantity(string text, string annotation, bool requireUnit)
    {
        var end = text.Length;
        while (end > 0 && !char.IsAsciiDigit(text[end - 1])) end--;
        var number = text[..end];
        var unit = text[end..].Trim();
        // A quantity has a suffix or an exponent, not both.
        var style = unit.Length == 0 && !requireUnit ? NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent : NumberStyles.AllowDecimalPoint;
        // Terway's own annotation writes 10M, 10MB and 10MiB alike.
        if (requireUnit) unit = unit.ToUpperInvariant().TrimEnd('B').TrimEnd('I');
        decimal? factor = unit switch
        {
            "" when !requireUnit || text.EndsWith('B') || text.EndsWith('b') => 1m,
            "m" => 0.001m,
            "k" or "K" => requireUnit ? 1024m : 1000m,
            "M" => requireUnit ? 1024m * 1024 : 1e6m,
            "G" => requireUnit ? 1024m * 1024 * 1024 : 1e9m,
            "T" => requireUnit ? 1024m * 1024 * 1024 * 1024 : 1e12m,
            "P" when !requireUnit => 1e15m,
            "Ki" => 1024m,
            "Mi" => 1024m * 1024,
            "Gi" => 1024m * 1024 * 1024,
            "Ti" => 1024m * 1024 * 1024 * 1024,
            _ => null,
        };
        if (factor is null
            || !decimal.TryParse(number, style, CultureInfo.InvariantCulture, out var value)
            || value <= 0
            || value > 1e15m / factor)
        {
            throw new FormatException(
                $"annotation {annotation} is \"{text}\", which is no positive rate; write it as 10M"
                + (requireUnit ? " (bytes per second, with a unit)" : " (bits per second)"));
        }

        return value * factor.Value;
    }
}
