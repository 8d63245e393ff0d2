namespace Terway.Host.Observability;

/// <summary>The types of the text format.</summary>
internal enum MetricKind
{
    Counter,
    Gauge,
    Histogram,
}
