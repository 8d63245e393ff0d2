using System.Composition;
using System.Net;
using Microsoft.Extensions.Logging;
using Terway.EniPool;
using Terway.EniPool.Configuration;
using Terway.EniPool.Pool;
using Terway.EniPool.Scaling;

namespace Terway.Plugins.SharedEni;

/// <summary>Gives pods addresses of ENIs that they share, and keeps a pool of them.</summary>
[Export(typeof(IAddressProvider))]
[Export(typeof(INodeService))]
[Shared]
public sealed class SharedEniProvider : IAddressProvider, INodeService
{
    private readonly IPluginHost _host;
    private readonly ILogger _log;
    private IReadOnlyList<Allocation> _live = [];
    private IReadOnlyDictionary<IPAddress, DateTimeOffset> _released = new Dictionary<IPAddress, DateTimeOffset>();
    private volatile PoolService? _service;
    private volatile Finding? _refusal;

    /// <summary>Made by the composition.</summary>
    [ImportingConstructor]
    public SharedEniProvider(IPluginHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        _host = host;
        _log = host.Loggers.CreateLogger("SharedEni");
    }

    /// <inheritdoc/>
    public Finding? Health => _refusal ?? _service?.Health;

    /// <summary>For tests: nothing happens any more by itself.</summary>
    internal bool IsSettled => _service?.IsSettled ?? true;

    internal AddressPool? Pool => _service?.Pool;

    /// <inheritdoc/>
    public ClaimStrength Claims(PodInterface pod) => ClaimStrength.Default;

    /// <inheritdoc/>
    public Task RestoreAsync(
        IReadOnlyList<Allocation> live, IReadOnlyDictionary<IPAddress, DateTimeOffset> released, CancellationToken cancellationToken)
    {
        _live = live;
        _released = released;
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            var service = new PoolService(_host, ReadSettings(), _log);
            _service = service;
            await service.StartAsync(_live, _released, cancellationToken);
        }
        catch (PodNetworkException e)
        {
            _refusal = new(FindingSeverity.Error, e.Message, "change the configuration or the instance type and restart");
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_service is { } service)
        {
            await service.DisposeAsync().AsTask().WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public ValueTask<Allocation> AllocateAsync(PodInterface pod, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(pod);
        if (_refusal is { } refusal)
        {
            return ValueTask.FromException<Allocation>(new PodNetworkException("configuration", refusal.Reason, refusal.Fix, canRetry: false));
        }

        return _service is { } service
            ? service.Pool.AllocateAsync(pod, cancellationToken)
            : ValueTask.FromException<Allocation>(
                new PodNetworkException("pool", "the pool is not started yet", "the runtime tries again", canRetry: true));
    }

    /// <inheritdoc/>
    public void Release(Allocation allocation, bool used)
    {
        ArgumentNullException.ThrowIfNull(allocation);
        _service?.Pool.Release(allocation, used);
    }

    /// <inheritdoc/>
    public Capacity GetCapacity() =>
        _service?.GetCapacity() ?? new(0, _live.Count, 0, 0, _refusal?.Reason ?? "the pool is not started yet");

    private PoolSettings ReadSettings()
    {
        var (settings, problems) = SettingsReader.Read(_host.Settings, _host.Node);
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
