using System.Composition;
using Microsoft.Extensions.Logging;
using Terway.AlibabaCloud.Network;

namespace Terway.Plugins.IPv6DualStack;

/// <summary>
/// Looks whether node and cloud can have dual stack. What only the cloud knows is asked for in the background until it is as it must be, and then not
/// any more. Pods that run are not concerned.
/// </summary>
[Export(typeof(INodeService))]
[Shared]
public sealed class DualStackService : INodeService, IAsyncDisposable
{
    private static readonly TimeSpan s_again = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_firstRetry = TimeSpan.FromSeconds(2);

    private readonly IPluginHost _host;
    private readonly Ipv6Cloud _cloud;
    private readonly Func<string, string?> _sysctl;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private Dictionary<string, Finding> _findings = [];
    private Task _work = Task.CompletedTask;
    private volatile Finding? _health;

    /// <summary>Made by the composition.</summary>
    [ImportingConstructor]
    public DualStackService(IPluginHost host)
        : this(host, NodeSysctl.Read)
    {
    }

    internal DualStackService(IPluginHost host, Func<string, string?> sysctl)
    {
        ArgumentNullException.ThrowIfNull(host);
        _host = host;
        _cloud = new Ipv6Cloud(host.Cloud);
        _sysctl = sysctl;
        _log = host.Loggers.CreateLogger("IPv6DualStack");
    }

    /// <inheritdoc/>
    public Finding? Health => _health;

    /// <summary>For tests: ends when the cloud has been found to be as it must be.</summary>
    internal Task Checked => _work;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        // A parameter that every kernel with IPv6 has.
        if (Preconditions.OfNode(_host.Node, _sysctl("net/ipv6/conf/all/forwarding") is not null) is { } finding)
        {
            _health = finding;
            throw new PodNetworkException("configuration", finding.Reason, finding.Fix, canRetry: false);
        }

        _work = Task.Run(() => CheckUntilGoodAsync(_stopping.Token), CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _work.WaitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        _stopping.Dispose();
    }

    private async Task CheckUntilGoodAsync(CancellationToken cancellationToken)
    {
        var retry = s_firstRetry;
        try
        {
            while (true)
            {
                var wait = s_again;
                try
                {
                    Show(await LookAsync(cancellationToken));
                    retry = s_firstRetry;
                    if (_findings.Count == 0) return;
                }
                catch (CloudException e)
                {
                    // Whoever gives addresses tells of a cloud that does not answer; here it only means to ask again.
                    Log.NotChecked(_log, e.Message, retry.TotalSeconds);
                    wait = retry;
                    retry = retry * 2 < s_again ? retry * 2 : s_again;
                }

                await Task.Delay(wait, _host.Time, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The plugin stops.
        }
    }

    private async Task<Dictionary<string, Finding>> LookAsync(CancellationToken cancellationToken)
    {
        var vSwitches = new Dictionary<string, VSwitch?>(StringComparer.Ordinal);
        foreach (var id in DualStackSettings.VSwitches(_host.Settings, _host.Node)) vSwitches[id] = await _cloud.DescribeVSwitchAsync(id, cancellationToken);
        var enis = await _cloud.DescribeEnisAsync(_host.Node.InstanceId, cancellationToken);
        return new(Preconditions.OfVSwitches(vSwitches).Concat(Preconditions.OfEnis(enis)), StringComparer.Ordinal);
    }

    private void Show(Dictionary<string, Finding> findings)
    {
        // First, so that whoever hears of a finding finds it in the health too.
        _health = findings.OrderBy(static f => f.Key, StringComparer.Ordinal).Select(static f => f.Value).OrderByDescending(static f => f.Severity).FirstOrDefault();
        foreach (var gone in _findings.Keys.Where(path => !findings.ContainsKey(path))) _host.Report(gone, null);
        foreach (var (path, finding) in findings)
        {
            if (_findings.GetValueOrDefault(path) != finding) _host.Report(path, finding);
        }

        _findings = findings;
    }
}
