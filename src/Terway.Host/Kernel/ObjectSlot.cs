using System.Net;
using Terway.Plugin;

namespace Terway.Host.Kernel;

/// <summary>
/// The place in the kernel that an object takes, where there is room for one: making the second of two objects of the same place replaces the first
/// without a gap. Null for objects that can stand beside each other.
/// </summary>
internal static class ObjectSlot
{
    public static object? Of(KernelObject o) => o switch
    {
        KernelObject.Route route => ("route", o.InPod, route.Destination, route.Table),
        KernelObject.Neighbour neighbour => ("neighbour", o.InPod, neighbour.LinkName, neighbour.Ip),
        KernelObject.TokenBucket bucket => ("qdisc", o.InPod, bucket.LinkName),
        KernelObject.FairQueue queue => ("qdisc", o.InPod, queue.LinkName),
        KernelObject.TcProgram program => ("filter", program.LinkName, program.Ingress, program.Priority),
        KernelObject.MapEntry entry => ("entry", entry.Map, entry.Key),
        _ => null,
    };

    /// <summary>Those of <paramref name="old"/> that have to be removed for <paramref name="wanted"/> alone to be left, once all of that is made.</summary>
    public static List<KernelObject> Obsolete(IEnumerable<KernelObject> old, IReadOnlyCollection<KernelObject> wanted)
    {
        var objects = wanted.ToHashSet();
        var slots = wanted.Select(Of).OfType<object>().ToHashSet();
        return [.. old.Where(o => !objects.Contains(o) && !(Of(o) is { } slot && slots.Contains(slot)))];
    }
}
