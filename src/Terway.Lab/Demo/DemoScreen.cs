using System.Diagnostics;
using System.Globalization;
using Terway.Lab.Cloud;
using Terway.Lab.Cluster;
using Terway.Lab.Probing;

namespace Terway.Lab.Demo;

/// <summary>What a person sees of the demo.</summary>
internal sealed class DemoScreen(TextWriter output)
{
    private readonly long _begin = Stopwatch.GetTimestamp();

    public double Seconds => Stopwatch.GetElapsedTime(_begin).TotalSeconds;

    /// <summary>A step begins.</summary>
    public void Step(string text) => output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"[{Seconds,5:F1} s] {text}"));

    public void Line(string text = "") => output.WriteLine(text);

    /// <summary>Who has which ENI and address.</summary>
    public void Map(RunningLab lab, IReadOnlyList<ClusterPod> pods)
    {
        foreach (var node in lab.Nodes)
        {
            var instance = lab.Cloud.Region.FindInstance(node.InstanceId);
            Line();
            Line($"  {node.Name}  {node.Pool ?? "shared"} pool  {node.InstanceId}  {instance?.Type.Id}");
            foreach (var eni in instance?.Enis ?? [])
            {
                if (eni.Type == EniType.Primary)
                {
                    Line($"  ├─ {eni.Id}  primary    {eni.PrimaryIp}  (the node's own)");
                    continue;
                }

                Line($"  ├─ {eni.Id}  {eni.VSwitchId}  {eni.PrivateIps.Length} addresses");
                foreach (var pod in pods.Where(p => p.Node == node && eni.PrivateIps.Contains(p.Address)))
                {
                    Line($"  │    ├─ {pod.Name,-10} {string.Join("  ", pod.Addresses)}");
                }
            }
        }

        Line();
    }

    /// <summary>A matrix for each family, rows are where connections come from.</summary>
    public void Matrix(IReadOnlyList<ConnectivityCell> cells)
    {
        foreach (var family in cells.GroupBy(static c => c.Family)) Matrix(family.Key, [.. family]);
        foreach (var cell in cells.Where(static c => !c.Ok)) Line($"  FAIL {cell.From} -> {cell.To} ({cell.Family}): {cell.Error}");
    }

    private void Matrix(string family, IReadOnlyList<ConnectivityCell> cells)
    {
        var from = cells.Select(static c => c.From).Distinct().ToList();
        var to = cells.Select(static c => c.To).Distinct().OrderBy(static t => t, StringComparer.Ordinal).ToList();
        var width = to.Max(static t => t.Length);
        Line();
        Line("  " + family.PadRight(12) + string.Join(' ', to.Select(t => t.PadRight(width))));
        foreach (var row in from)
        {
            var line = to.Select(column => (cells.FirstOrDefault(c => c.From == row && c.To == column) switch
            {
                null => "·",
                { Ok: true } => "ok",
                _ => "FAIL",
            }).PadRight(width));
            Line("  " + row.PadRight(12) + string.Join(' ', line));
        }

        Line();
    }
}
