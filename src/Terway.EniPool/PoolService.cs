using System.Net;
using Microsoft.Extensions.Logging;
using Terway.EniPool.Cloud;
using Terway.EniPool.Configuration;
using Terway.EniPool.Operations;
using Terway.EniPool.Pool;
using Terway.EniPool.Scaling;
using Terway.EniPool.State;

namespace Terway.EniPool;

/// <summary>One life of the pool: puts its parts together, starts from the records on disk, stops.</summary>
internal sealed class PoolService : IAsyncDisposable
{
    private static readonly TimeSpan s_startWait = TimeSpan.FromMilliseconds(300);

    private readonly PoolContext _context;
    private readonly PoolWorker _worker;
    private readonly CancellationTokenSource _stopping = new();
    private readonly IPluginHost _host;
    private int _disposed;

    /// <exception cref="PodNetworkException">The node is too small for this mode.</exception>
    public PoolService(IPluginHost host, PoolSettings settings, ILogger log)
    {
        _host = host;
        var families = host.Families;
        var capacity = NodeCapacity.Compute(host.Node, families, settings);
        if (capacity.Total <= NodeCapacity.JoinThreshold)
        {
            throw new PodNetworkException(
                "configuration",
                $"{host.Node.InstanceType} gives too few pod addresses: {capacity.Arithmetic}, must be > {NodeCapacity.JoinThreshold}",
                "choose an instance type with more ENIs or addresses per ENI, or raise max_eni and eni_cap_ratio",
                canRetry: false);
        }

        var signal = new WakeSignal();
        var clock = new PoolClock(host.Time);
        Pool = new AddressPool(clock, settings, capacity, [.. families.Select(f => f.Family)], signal.Raise)
        {
            AttachableEnis = host.Node.EniQuantity - 1,
        };
        var backoffs = new Backoffs(clock, new BackoffShapes(Pool, settings.Backoffs).Of);
        var findings = new FindingBoard(host);
        var calls = new CallsUnderWay(clock);
        var cloud = new EniCloud(host.Cloud, host.Node.InstanceId, calls);
        _context = new PoolContext
        {
            Host = host,
            Families = families,
            Settings = settings,
            Clock = clock,
            Pool = Pool,
            Backoffs = backoffs,
            Findings = findings,
            Failures = new FailurePolicy(Pool, backoffs, findings, clock),
            Journal = new PoolJournal(host.Store, Pool, families),
            Cloud = cloud,
            Calls = calls,
            Batch = new DescribeBatch(cloud, host.Time, _stopping.Token),
            VSwitches = new VSwitchCatalog(cloud, families, host.Node, settings, Pool, backoffs, findings, clock),
            Tags = new EniTags(settings, host.Node),
            Log = log,
        };
        _worker = new PoolWorker(_context, signal, _stopping);
    }

    public AddressPool Pool { get; }

    public bool IsSettled => _worker.IsSettled;

    public Finding? Health
    {
        get
        {
            lock (Pool.Gate)
            {
                if (Pool.Inventoried || Pool.Enis.Any(e => e.State == EniState.Ready))
                {
                    return null;
                }

                return _context.Backoffs.Cause(Backoffs.Inventory) is { } cause
                    ? new(FindingSeverity.Error, $"the node's ENIs are not known: {cause.Message}", "the cloud is asked again until it answers")
                    : new(FindingSeverity.Error, "the node's ENIs are not known yet", "the cloud is being asked");
            }
        }
    }

    public Capacity GetCapacity() => Pool.GetCapacity(_worker.Exhausted);

    public async Task StartAsync(
        IReadOnlyList<Allocation> live, IReadOnlyDictionary<IPAddress, DateTimeOffset> released, CancellationToken cancellationToken)
    {
        Pool.Restore(live, released);
        var records = _context.Journal.Load();
        var obsolete = new List<string>(records.Damaged);
        var node = _context.Journal.LoadNode(obsolete);
        foreach (var key in obsolete)
        {
            Log.DamagedRecord(_context.Log, key);
        }

        lock (Pool.Gate)
        {
            Resume(node.WarmUp, node.Activity);
            foreach (var record in records.Enis)
            {
                Add(record);
            }

            foreach (var intent in records.Intents.Where(i => !Resume(i)))
            {
                obsolete.Add(PoolJournal.IntentKey(intent.Token));
            }
        }

        if (obsolete.Count > 0)
        {
            await _context.Journal.DropAsync(obsolete, cancellationToken);
        }

        _worker.Start();

        // What is recorded serves pods at once; the host waits for that, and for nothing that needs the cloud.
        var waited = _host.Time.GetTimestamp();
        while (_host.Time.GetElapsedTime(waited) < s_startWait && IsStarting())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), _host.Time, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        Pool.Close("the plugin stops");
        await _worker.DisposeAsync();
        _stopping.Dispose();
    }

    private bool IsStarting()
    {
        lock (Pool.Gate)
        {
            return Pool.Enis.Any(e => e.State == EniState.Starting);
        }
    }

    private void Resume(WarmUpRecord? warmUp, ActivityRecord? activity)
    {
        if (warmUp is not null)
        {
            Pool.WarmUp.Restore(warmUp.Obtained, warmUp.Done);
        }

        if (activity is not null)
        {
            var age = _context.Clock.UtcNow - activity.LastAllocation;
            Pool.LastAllocation = _context.Clock.Now - (age < TimeSpan.Zero ? TimeSpan.Zero : age);
        }
    }

    private void Add(EniRecord record)
    {
        try
        {
            Pool.AddEni(RecordReader.Read(record, Pool, _context.Families));
        }
        catch (FormatException)
        {
            // The inventory finds the ENI again.
            Log.DamagedRecord(_context.Log, record.Id);
        }
    }

    // An intent whose ENI is not recorded says nothing: the inventory looks at the whole ENI if it exists.
    private bool Resume(IntentRecord intent)
    {
        if (intent.Kind == IntentRecord.Create)
        {
            Pool.UnresolvedCreates[intent.Token] = intent.At;
            return true;
        }

        if (intent.Eni is not { } id || Pool.Find(id) is not { } eni)
        {
            return false;
        }

        eni.Intents.Add(PoolJournal.IntentKey(intent.Token));
        eni.NeedsRefresh = true;
        return true;
    }
}
