using Terway.Lab.Cloud;

namespace Terway.Plugins.SharedEni.Tests;

/// <summary>The links that the region's data plane would make on the node.</summary>
internal sealed class TestFabric : IVpcFabric
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, NodeLink> _links = [];
    private readonly Dictionary<string, string> _macs = [];
    private readonly Dictionary<string, TaskCompletionSource<NodeLink>> _waits = [];
    private readonly Dictionary<string, TaskCompletionSource> _gone = [];
    private int _index = 10;

    public IReadOnlyCollection<NodeLink> Links
    {
        get
        {
            lock (_gate)
            {
                return [.. _links.Values];
            }
        }
    }

    public Task PlugAsync(EniSnapshot eni, string instanceId, CancellationToken ct)
    {
        TaskCompletionSource<NodeLink>? wait;
        NodeLink link;
        lock (_gate)
        {
            _index++;
            link = new($"eth{_index}", _index, eni.Mac, 1500);
            _links[eni.Mac] = link;
            _macs[eni.Id] = eni.Mac;
            _waits.Remove(eni.Mac, out wait);
        }

        wait?.TrySetResult(link);
        return Task.CompletedTask;
    }

    public Task UnplugAsync(string eniId, CancellationToken ct)
    {
        TaskCompletionSource? gone = null;
        lock (_gate)
        {
            if (_macs.Remove(eniId, out var mac))
            {
                _links.Remove(mac);
                _gone.Remove(mac, out gone);
            }
        }

        gone?.TrySetResult();
        return Task.CompletedTask;
    }

    public Task WaitGoneAsync(string mac, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!_links.ContainsKey(mac))
            {
                return Task.CompletedTask;
            }

            if (!_gone.TryGetValue(mac, out var source))
            {
                _gone[mac] = source = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            return source.Task.WaitAsync(cancellationToken);
        }
    }

    public Task UpdateEniAsync(EniSnapshot eni, CancellationToken ct) => Task.CompletedTask;

    public Task RemoveEniAsync(string eniId, CancellationToken ct) => Task.CompletedTask;

    public Task UpdateSecurityGroupAsync(SecurityGroupSnapshot securityGroup, CancellationToken ct) => Task.CompletedTask;

    /// <summary>The link leaves the node with a pod.</summary>
    public NodeLink Take(string mac)
    {
        NodeLink link;
        TaskCompletionSource? gone;
        lock (_gate)
        {
            _links.Remove(mac, out link!);
            _gone.Remove(mac, out gone);
        }

        gone?.TrySetResult();
        return link;
    }

    /// <summary>It comes back.</summary>
    public void Return(NodeLink link)
    {
        TaskCompletionSource<NodeLink>? wait;
        lock (_gate)
        {
            _links[link.Mac] = link;
            _waits.Remove(link.Mac, out wait);
        }

        wait?.TrySetResult(link);
    }

    /// <summary>The machine is booted again: links get other indexes.</summary>
    public void Reboot()
    {
        lock (_gate)
        {
            foreach (var (mac, link) in _links.ToArray())
            {
                _index++;
                _links[mac] = link with { Name = $"eth{_index}", Index = _index };
            }
        }
    }

    public Task<NodeLink> WaitAsync(string mac, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        Task<NodeLink> wait;
        lock (_gate)
        {
            if (_links.TryGetValue(mac, out var link))
            {
                return Task.FromResult(link);
            }

            if (!_waits.TryGetValue(mac, out var source))
            {
                _waits[mac] = source = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            wait = source.Task;
        }

        return wait.WaitAsync(timeout, time, cancellationToken);
    }
}
