using System.Collections.Immutable;
using System.Text;
using Terway.Host.Kernel;
using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host.Node;

/// <summary>
/// Kernel objects of the node that belong to a plugin and not to a pod, by plugin and key. Journaled before they are made, so that they can be
/// repaired and taken away whatever becomes of the plugin. Thread-safe.
/// </summary>
internal sealed class NodeObjects : IDisposable
{
    private const string SysctlFact = "sysctl/";

    private readonly StateStore _store;
    private readonly INodeKernel _kernel;
    private readonly SemaphoreSlim _one = new(1, 1);

    // Changed only inside _one; read by anybody.
    private volatile ImmutableDictionary<(string Plugin, string Key), IReadOnlyList<KernelObject>> _kept;
    private readonly Dictionary<string, string> _foundSysctls;

    // Part of _kept that the plugin does not ask for any more; changed only inside _one.
    private volatile ImmutableDictionary<(string Plugin, string Key), IReadOnlyList<KernelObject>> _outlived =
        ImmutableDictionary<(string Plugin, string Key), IReadOnlyList<KernelObject>>.Empty;

    public NodeObjects(StateStore store, INodeKernel kernel)
    {
        _store = store;
        _kernel = kernel;
        _kept = store.Initial.NodeObjects.ToImmutableDictionary();
        _foundSysctls = store.Initial.Facts.Where(static f => f.Key.StartsWith(SysctlFact, StringComparison.Ordinal))
            .ToDictionary(static f => f.Key[SysctlFact.Length..], static f => Encoding.UTF8.GetString(f.Value), StringComparer.Ordinal);
    }

    /// <summary>
    /// Whether pods need an object although its plugin asks for it no more: those of an address family whose plugin is gone stay while a pod has an
    /// address of it. To be set before the plugins start.
    /// </summary>
    public Func<KernelObject, bool> StillNeeded { get; set; } = static _ => false;

    /// <summary>Whether objects are kept for pods alone.</summary>
    public bool HasOutlived => !_outlived.IsEmpty;

    /// <summary>All plans kept now, each known before its first object is made.</summary>
    public IReadOnlyList<IReadOnlyList<KernelObject>> Plans => [.. _kept.Values];

    /// <summary>Every object that is kept now, with who keeps it and under which key.</summary>
    public IEnumerable<(string Plugin, string Key, KernelObject Object)> All =>
        _kept.SelectMany(static k => k.Value.Select(o => (k.Key.Plugin, k.Key.Key, o)));

    /// <summary>Who keeps something, and under which keys; in an order in which it can go: filters before the pins of their programs.</summary>
    public IReadOnlyList<(string Plugin, string Key)> Kept =>
        [.. _kept.OrderBy(static k => k.Value.Any(static o => o is KernelObject.PinFolder)).Select(static k => k.Key)];

    /// <summary>Whether what is kept under the key is right only while the plugin runs.</summary>
    public bool IsTended(string plugin, string key) =>
        _kept.TryGetValue((plugin, key), out var plan) && plan.Any(static o => o is KernelObject.PinFolder { Tended: true });

    /// <summary>Whether some plan is about this link of the node.</summary>
    public bool Uses(string link) => _kept.Values.Any(plan => plan.Any(o => LinkOf(o) == link));

    /// <summary>Makes again what is missing; what cannot be made does not keep the rest from it.</summary>
    /// <returns>What was made again, and what could not be, each in words.</returns>
    public async Task<(IReadOnlyList<string> Repaired, IReadOnlyList<string> Failed)> RepairAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var kept = _kept.ToList();
            var missing = await _kernel.FindMissingOnNodeAsync([.. kept.Select(static k => k.Value)]).ConfigureAwait(false);
            List<string> repaired = [], failed = [];
            for (var i = 0; i < kept.Count; i++)
            {
                if (missing[i].Count == 0) continue;
                var what = $"{kept[i].Key.Plugin} {kept[i].Key.Key}: {string.Join("; ", missing[i].Select(static m => m.Text))}";
                try
                {
                    await _kernel.ApplyAsync([.. missing[i].Select(static m => m.Object)], netNsPath: null).ConfigureAwait(false);
                    repaired.Add(what);
                }
                catch (PodNetworkException e)
                {
                    failed.Add($"{what}: {e.Message}");
                }
            }

            return (repaired, failed);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Makes the objects, and takes away those kept under the key before that are not among them.</summary>
    public async Task EnsureAsync(string plugin, string key, IReadOnlyList<KernelObject> objects, CancellationToken cancellationToken)
    {
        if (objects.Any(static o => o.InPod || o is KernelObject.Veth or KernelObject.Nic))
        {
            throw new ArgumentException($"plugin {plugin} asks for node objects under {key} that belong to a pod", nameof(objects));
        }

        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await EnsureLockedAsync(plugin, key, objects).ConfigureAwait(false);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Takes away what was kept for pods alone and no pod needs any more.</summary>
    public async Task ReleaseOutlivedAsync(CancellationToken cancellationToken)
    {
        if (!HasOutlived) return;
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            foreach (var ((plugin, key), outlived) in _outlived)
            {
                if (outlived.All(StillNeeded)) continue;
                await EnsureLockedAsync(plugin, key, [.. _kept[(plugin, key)].Where(o => !outlived.Contains(o))]).ConfigureAwait(false);
            }
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task EnsureLockedAsync(string plugin, string key, IReadOnlyList<KernelObject> objects)
    {
        var before = _kept.GetValueOrDefault((plugin, key)) ?? [];
        var outlived = before.Where(o => !objects.Contains(o) && StillNeeded(o)).ToArray();
        // A copy: a list of a type from the plugin's own assembly would keep that assembly in memory.
        KernelObject[] kept = [.. objects, .. outlived];
        objects = kept;
        var obsolete = before.Where(o => !objects.Contains(o)).ToList();
        await RememberSysctlsAsync(objects).ConfigureAwait(false);
        // Both old and new until the old ones are gone: a crash in between must not forget them.
        await _store.WriteAsync(new StateWrite.PutNodeObjects(plugin, key, [.. obsolete, .. objects])).ConfigureAwait(false);
        _kept = _kept.SetItem((plugin, key), [.. obsolete, .. kept]);
        if (obsolete.Count > 0)
        {
            var others = HeldBesides((plugin, key));
            others.UnionWith(objects);
            // What a new one takes the place of is exchanged below, without a gap.
            await _kernel.RemoveAsync([ObjectSlot.Obsolete(obsolete.Where(o => !others.Contains(o)), objects)]).ConfigureAwait(false);
            await RestoreSysctlsAsync(obsolete, others).ConfigureAwait(false);
            await _store.WriteAsync(new StateWrite.PutNodeObjects(plugin, key, objects)).ConfigureAwait(false);
            _kept = _kept.SetItem((plugin, key), kept);
        }

        _outlived = outlived.Length > 0 ? _outlived.SetItem((plugin, key), outlived) : _outlived.Remove((plugin, key));
        await _kernel.ApplyAsync(objects, netNsPath: null).ConfigureAwait(false);
    }

    /// <summary>Takes away what is kept under the key, and puts sysctls back that nobody else holds.</summary>
    public async Task RemoveAsync(string plugin, string key, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_kept.TryGetValue((plugin, key), out var objects)) return;
            var others = HeldBesides((plugin, key));
            await _kernel.RemoveAsync([[.. objects.Where(o => !others.Contains(o))]]).ConfigureAwait(false);
            await RestoreSysctlsAsync(objects, others).ConfigureAwait(false);
            await _store.WriteAsync(new StateWrite.DeleteNodeObjects(plugin, key)).ConfigureAwait(false);
            _kept = _kept.Remove((plugin, key));
            _outlived = _outlived.Remove((plugin, key));
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    /// <summary>The link of the node that an object is on or about; null when there is none.</summary>
    public static string? LinkOf(KernelObject o) => o switch
    {
        KernelObject.Link link => link.Name,
        KernelObject.Address address => address.LinkName,
        KernelObject.Route route => route.LinkName,
        KernelObject.Refusal refusal => refusal.LinkName,
        KernelObject.Neighbour neighbour => neighbour.LinkName,
        KernelObject.TokenBucket bucket => bucket.LinkName,
        KernelObject.FairQueue queue => queue.LinkName,
        KernelObject.TcProgram program => program.LinkName,
        KernelObject.MapEntry entry => entry.LinkName,
        _ => null,
    };

    // Equal objects are the same object: what another key asks for as well stays.
    private HashSet<KernelObject> HeldBesides((string Plugin, string Key) key) =>
        [.. _kept.Where(k => k.Key != key).SelectMany(static k => k.Value)];

    private async Task RememberSysctlsAsync(IReadOnlyList<KernelObject> objects)
    {
        foreach (var sysctl in objects.OfType<KernelObject.Sysctl>())
        {
            if (_foundSysctls.ContainsKey(sysctl.Path) || _kernel.ReadSysctl(sysctl.Path) is not { } found) continue;
            await _store.WriteAsync(new StateWrite.PutFact(SysctlFact + sysctl.Path, Encoding.UTF8.GetBytes(found))).ConfigureAwait(false);
            _foundSysctls.Add(sysctl.Path, found);
        }
    }

    private async Task RestoreSysctlsAsync(IReadOnlyList<KernelObject> objects, HashSet<KernelObject> others)
    {
        foreach (var sysctl in objects.OfType<KernelObject.Sysctl>())
        {
            var held = others.OfType<KernelObject.Sysctl>().Any(s => s.Path == sysctl.Path);
            if (held || !_foundSysctls.Remove(sysctl.Path, out var found)) continue;
            // The link of a per-link parameter may be gone by now: then there is nothing to put back.
            if (_kernel.ReadSysctl(sysctl.Path) is not null)
            {
                await _kernel.ApplyAsync([new KernelObject.Sysctl(sysctl.Path, found)], netNsPath: null).ConfigureAwait(false);
            }

            await _store.WriteAsync(new StateWrite.DeleteFact(SysctlFact + sysctl.Path)).ConfigureAwait(false);
        }
    }
}
