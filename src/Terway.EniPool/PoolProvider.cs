using System.Net;
using Microsoft.Extensions.Logging;
using Terway.EniPool.Configuration;
using Terway.EniPool.Pool;
using Terway.EniPool.Scaling;

namespace Terway.EniPool;

/// <summary>What a plugin's address provider and node service do: settings read and judged, a <see cref="PoolService"/> for each start.</summary>
internal sealed class PoolProvider
{
    private readonly IPluginHost _host;
    private readonly PoolKind _kind;
    private readonly ILogger _log;
    private IReadOnlyList<Allocation> _live = [];
    private IReadOnlyDictionary<IPAddress, DateTimeOffset> _released = new Dictionary<IPAddress, DateTimeOffset>();
    private volatile PoolService? _service;
    private volatile Finding? _refusal;

    public PoolProvider(IPluginHost host, PoolKind kind)
    {
        _host = host;
        _kind = kind;
        _log = host.Loggers.CreateLogger(kind.Plugin);
    }

    /// <inheritdoc cref="INodeService.Health"/>
    public Finding? Health => _refusal ?? _service?.Health;

    /// <summary>For tests: nothing happens any more by itself.</summary>
    public bool IsSettled => _service?.IsSettled ?? true;

    public AddressPool? Pool => _service?.Pool;

    /// <inheritdoc cref="IAddressProvider.RestoreAsync"/>
    public Task RestoreAsync(IReadOnlyList<Allocation> live, IReadOnlyDictionary<IPAddress, DateTimeOffset> released)
    {
        _live = live;
        _released = released;
        return Task.CompletedTask;
    }

    /// <inheritdoc cref="INodeService.StartAsync"/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            var service = new PoolService(_host, _kind, ReadSettings(), _log);
            _service = service;
            await service.StartAsync(_live, _released, cancellationToken);
        }
        catch (PodNetworkException e)
        {
            _refusal = new(FindingSeverity.Error, e.Message, "change the configuration or the instance type and restart");
            throw;
        }
    }

    /// <inheritdoc cref="INodeService.StopAsync"/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_service is { } service)
        {
            await service.DisposeAsync().AsTask().WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc cref="IAddressProvider.AllocateAsync"/>
    public ValueTask<Allocation> AllocateAsync(PodInterface pod, CancellationToken cancellationToken)
    {
        if (_refusal is { } refusal)
        {
            return ValueTask.FromException<Allocation>(new PodNetworkException("configuration", refusal.Reason, refusal.Fix, canRetry: false));
        }

        return _service is { } service
            ? service.Pool.AllocateAsync(pod, cancellationToken)
            : ValueTask.FromException<Allocation>(
                new PodNetworkException("pool", "the pool is not started yet", "the runtime tries again", canRetry: true));
    }

    /// <inheritdoc cref="IAddressProvider.Release"/>
    public void Release(Allocation allocation, bool used)
    {
        _service?.Pool.Release(allocation, used);
    }

    /// <inheritdoc cref="IAddressProvider.GetCapacity"/>
    public Capacity GetCapacity() =>
        _service?.GetCapacity() ?? new(0, _live.Count, 0, 0, _refusal?.Reason ?? "the pool is not started yet");

    private PoolSettings ReadSettings()
    {
        var (settings, problems) = SettingsReader.Read(_host.Settings, _host.Node, _kind);
        foreach (var problem in problems)
        {
            Log.SettingProblem(_log, problem.Path, problem.Reason, problem.Fix);
            _host.Report(
                $"settings/{problem.Path}", new(problem.Fatal ? FindingSeverity.Error : FindingSeverity.Warning, $"{problem.Path}: {problem.Reason}", problem.Fix));
        }

        var fatal = problems.Where(p => p.Fatal).ToArray();
        return fatal.Length == 0
            ? settings
            : throw new PodNetworkException(
                "configuration",
                string.Join("; ", fatal.Select(p => $"{p.Path}: {p.Reason}")),
                string.Join("; ", fatal.Select(p => $"{p.Path}: {p.Fix}")),
                canRetry: false);
    }
}
