using Terway.EniPool.Operations;
using Terway.EniPool.Pool;

namespace Terway.EniPool.Scaling;

/// <summary>Shows the operator which ENIs only wait for their pods to go, and why.</summary>
internal sealed class HoldFindings(PoolContext context)
{
    private const string Excluded = "excluded";
    private const string OtherKind = "prefix-mode";

    public void Update()
    {
        Finding? excluded, other;
        lock (context.Pool.Gate)
        {
            (excluded, other) = (OfExcluded(), OfOtherKind());
        }

        Show(Excluded, excluded);
        Show(OtherKind, other);
    }

    private Finding? OfExcluded() => Held(EniHold.Excluded) is not { } held ? null : new(
        FindingSeverity.Warning,
        $"{held.Names} carries a tag that excludes it: {held.Pods} pod addresses are in use on it, and it gets no new pods",
        "nothing has to be done: it is let go with its last pod; remove the tag to use it again");

    private Finding? OfOtherKind() => Held(EniHold.OtherKind) is not { } held ? null : new(
        FindingSeverity.Warning,
        context.Settings.UsePrefixes
            ? $"enable_ip_prefix is on, but {held.Names} carries single addresses: {held.Pods} pods keep theirs, and it gets no new pods"
            : $"enable_ip_prefix is off, but {held.Names} carries prefixes: {held.Pods} pods keep their addresses, and it gets no new pods",
        "nothing has to be done: it is given back after its last pod; drain the node to have that at once");

    private (string Names, int Pods)? Held(EniHold hold)
    {
        var enis = context.Pool.Enis.Where(e => e.Hold == hold && e.State != EniState.Deleting).ToArray();
        return enis.Length == 0
            ? null
            : ("ENI " + string.Join(" and ENI ", enis.Select(e => e.Id)), enis.Sum(e => e.Addresses.Count(a => a.Family == 0 && a.State == AddressState.InUse)));
    }

    private void Show(string path, Finding? finding)
    {
        if (finding is null)
        {
            context.Findings.Clear(path);
        }
        else
        {
            context.Findings.Set(path, finding);
        }
    }
}
