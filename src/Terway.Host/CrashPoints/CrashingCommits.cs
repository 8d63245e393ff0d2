using Terway.Host.State;

namespace Terway.Host.CrashPoints;

/// <summary>The journal's points: one for each kind of change, and of attachments for each phase.</summary>
internal sealed class CrashingCommits(CrashPlan plan) : ICommitHook
{
    public void Before(IReadOnlyList<StateWrite> changes)
    {
        foreach (var point in changes.Select(PointNames.Of).Distinct()) plan.Pass(point, CrashMoment.Before);
    }

    public void After(IReadOnlyList<StateWrite> changes)
    {
        foreach (var point in changes.Select(PointNames.Of).Distinct()) plan.Pass(point, CrashMoment.After);
    }
}
