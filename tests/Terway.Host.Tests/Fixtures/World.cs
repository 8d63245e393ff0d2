using System.Net;
using Terway.Plugin;

namespace Terway.Host.Tests.Fixtures;

/// <summary>
/// What outlives the daemon: kernel objects of the node and of pods, and the addresses of an ENI. It notes every act that a correct daemon never
/// does. Thread-safe.
/// </summary>
internal sealed class World
{
    private readonly Lock _lock = new();
    private readonly Dictionary<KernelObject, string> _node = [];
    private readonly HashSet<(string NetNs, KernelObject Object)> _pods = [];
    private readonly List<string> _violations = [];

    public IReadOnlyList<string> Violations
    {
        get
        {
            lock (_lock) return [.. _violations];
        }
    }

    /// <summary>Objects on the node and in pods, as texts.</summary>
    public IReadOnlyList<string> Objects
    {
        get
        {
            lock (_lock) return [.. _node.Keys.Select(static o => o.ToString()).Concat(_pods.Select(static p => $"{p.NetNs}: {p.Object}")).Order(StringComparer.Ordinal)];
        }
    }

    public void Violate(string what)
    {
        lock (_lock) _violations.Add(what);
    }

    /// <summary>Takes one object away behind the daemon's back.</summary>
    public bool Break(Func<KernelObject, bool> which)
    {
        lock (_lock)
        {
            if (_node.Keys.FirstOrDefault(which) is not { } o) return false;
            if (o is KernelObject.Veth veth) DropVeth(veth);
            else _node.Remove(o);
            return true;
        }
    }

    /// <summary>From now on nothing that this life begins has an effect.</summary>
    public void Kill(Steps life)
    {
        lock (_lock) life.Dead = true;
    }

    public void Make(Steps life, KernelObject o, string? netNs)
    {
        lock (_lock)
        {
            if (life.Dead) return;
            if (o.InPod)
            {
                _pods.Add((netNs!, o));
                return;
            }

            if (o is KernelObject.Veth veth)
            {
                foreach (var other in _node.Keys.OfType<KernelObject.Veth>().Where(v => v.Name == veth.Name && v != veth).ToList()) DropVeth(other);
            }
            else if (_node.TryGetValue(o, out var owner) && owner != (netNs ?? ""))
            {
                _violations.Add($"{o} is made for {netNs} and still belongs to {owner}");
            }

            _node[o] = netNs ?? "";
        }
    }

    public void Remove(Steps life, IReadOnlyList<KernelObject> plan)
    {
        lock (_lock)
        {
            if (life.Dead) return;
            foreach (var o in plan)
            {
                if (o is KernelObject.Veth veth)
                {
                    // The kernel goes by the name alone.
                    if (_node.Keys.OfType<KernelObject.Veth>().FirstOrDefault(v => v.Name == veth.Name) is not { } present) continue;
                    if (present != veth) _violations.Add($"the link of another sandbox is removed: {present}");
                    DropVeth(present);
                }
                else if (!o.InPod && o is not KernelObject.Nic)
                {
                    _node.Remove(o);
                }
            }
        }
    }

    /// <summary>A NIC comes home from whichever pod has it.</summary>
    public void Return(Steps life, KernelObject.Nic nic)
    {
        lock (_lock)
        {
            if (!life.Dead) _node.Remove(nic);
        }
    }

    public bool Has(KernelObject o, string? netNs)
    {
        lock (_lock) return o.InPod ? _pods.Contains((netNs!, o)) : _node.ContainsKey(o);
    }

    public bool Carries(IPAddress address)
    {
        lock (_lock) return _node.Keys.OfType<KernelObject.Rule>().Any(r => r.To?.BaseAddress.Equals(address) == true || r.From?.BaseAddress.Equals(address) == true);
    }

    public int RemoveUnplanned(IReadOnlyList<IReadOnlyList<KernelObject>> plans)
    {
        lock (_lock)
        {
            var planned = plans.SelectMany(static p => p).ToHashSet();
            var leaked = _node.Keys.Where(o => o is KernelObject.Rule or KernelObject.Route && !planned.Contains(o)).ToList();
            foreach (var o in leaked) _node.Remove(o);
            return leaked.Count;
        }
    }

    private void DropVeth(KernelObject.Veth veth)
    {
        _node.Remove(veth, out var netNs);
        _pods.RemoveWhere(p => p.NetNs == netNs);
    }
}
