using System.Globalization;
using Terway.Plugin;

namespace Terway.Host;

/// <summary>Tells the operator that this node's clock differs from the cloud's.</summary>
internal static class ClockFinding
{
    private const string Path = "clock";

    // What the transport tells changes of.
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

    /// <param name="readiness">Shown there.</param>
    /// <param name="skew">The cloud's clock minus this node's.</param>
    public static void Report(NodeReadiness readiness, TimeSpan skew) => readiness.Report(Path, skew.Duration() <= s_limit
        ? null
        : new Finding(
            FindingSeverity.Warning,
            string.Create(CultureInfo.InvariantCulture,
                $"this node's clock is {skew.Duration().TotalMinutes:0} min {(skew > TimeSpan.Zero ? "behind" : "ahead of")} the cloud API's, which refuses requests from 15 min on; they are dated by its clock"),
            "check the node's time synchronisation (chronyd, systemd-timesyncd)"));
}
