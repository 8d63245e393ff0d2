using System.Globalization;

namespace Terway.Lab.Cloud.Faults;

/// <summary>Plays a scenario by the clock. Whatever ends it, the rules it added go.</summary>
public sealed class FaultScenarioPlayer(IFaultTarget target, TimeProvider time, TextWriter progress)
{
    // Long enough for a lab that is busy, short enough for somebody who pressed Ctrl-C.
    private static readonly TimeSpan s_cleanUp = TimeSpan.FromSeconds(5);

    private readonly List<string> _added = [];

    /// <exception cref="FaultException">The region refused a rule; the message names file and line.</exception>
    public async Task PlayAsync(FaultScenario scenario, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        var begun = time.GetTimestamp();
        try
        {
            foreach (var step in scenario.Steps)
            {
                await UntilAsync(begun, step.At, ct);
                await DoAsync(scenario, step, ct);
            }
            await UntilAsync(begun, scenario.Length, ct);
        }
        finally
        {
            using var limit = new CancellationTokenSource(s_cleanUp);
            foreach (var id in _added.ToArray())
                await RemoveAsync(id, scenario.Length, limit.Token);
        }
    }

    private async Task UntilAsync(long begun, TimeSpan at, CancellationToken ct)
    {
        if (at - time.GetElapsedTime(begun) is var left && left > TimeSpan.Zero)
            await Task.Delay(left, time, ct);
    }

    private async Task DoAsync(FaultScenario scenario, FaultStep step, CancellationToken ct)
    {
        foreach (var id in step.ClearAll ? [.. _added] : step.Clear)
            await RemoveAsync(id, step.At, ct);
        foreach (var rule in step.Add)
        {
            try
            {
                var id = await target.AddAsync(rule, ct);
                _added.Add(id);
                Tell(step.At, $"added {id}: {FaultTraits.Of(rule.Kind).Name}{(FaultTraits.Of(rule.Kind).Apis.Count > 0 ? $" {rule.Api}" : "")}");
            }
            catch (ArgumentException e)
            {
                throw new FaultException($"{scenario.Source}:{step.Line}", e.Message, e);
            }
        }
    }

    private async Task RemoveAsync(string id, TimeSpan at, CancellationToken ct)
    {
        await target.RemoveAsync(id, ct);
        _added.Remove(id);
        Tell(at, $"cleared {id}");
    }

    private void Tell(TimeSpan at, string what) => progress.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{at.TotalSeconds,8:0.###} s  {what}"));
}
