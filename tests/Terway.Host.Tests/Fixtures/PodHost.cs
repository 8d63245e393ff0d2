using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Terway.Cni.Wire;
using Terway.Host.Cloud;
using Terway.Host.Cni;
using Terway.Host.Kernel;
using Terway.Host.Node;
using Terway.Host.Pods;
using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host.Tests.Fixtures;

/// <summary>
/// The daemon's pod side on a real state file, with a kernel, an ENI and plugins in memory. It can be killed at any step and started again:
/// only <see cref="World"/> and what is on disk outlive it.
/// </summary>
internal sealed class PodHost : IAsyncDisposable
{
    public const int Addresses = 6;

    private readonly TempFolder _folder = new();
    private readonly List<(PodDetacher Detacher, StateStore Store)> _dead = [];
    private int _life;

    private PodHost()
    {
    }

    public World World { get; } = new();

    public FakeTimeProvider Time { get; } = new(Samples.Now);

    public Steps Steps { get; private set; } = new();

    public FakeKernel Kernel { get; private set; } = null!;

    public FakeProvider Provider { get; private set; } = null!;

    public FakeDatapath Datapath { get; } = new();

    /// <summary>Name and version of <see cref="Datapath"/> from the next start on.</summary>
    public string DatapathName { get; set; } = "Fake/1.0.0";

    public bool DatapathInService { get; set; } = true;

    public StateStore Store { get; private set; } = null!;

    public AttachmentTable Table { get; private set; } = null!;

    public PodDetacher Detacher { get; private set; } = null!;

    public PodNetwork Network { get; private set; } = null!;

    private string StatePath => _folder[$"{_life}/state.db"];

    public static async Task<PodHost> StartAsync()
    {
        var host = new PodHost();
        Directory.CreateDirectory(host._folder["0"]);
        // Not the first life of the state file.
        await using (var first = StateStore.Open(host.StatePath, host.Time, NullLogger.Instance))
        {
            await first.WriteAsync(new StateWrite.PutFact(StateRecovery.DoneFact, []));
        }

        await host.BeginAsync();
        return host;
    }

    /// <summary>A path of a sandbox's own that leads to a network namespace: only its inode is looked at.</summary>
    public string NetNs(string container)
    {
        var path = _folder[$"ns-{container}"];
        if (!File.Exists(path)) File.CreateSymbolicLink(path, "/proc/self/ns/net");
        return path;
    }

    public void DropNetNs(string container) => File.Delete(_folder[$"ns-{container}"]);

    public Task<AttachmentRecord> AddAsync(
        string container = "c1", string pod = "web", string? netNs = null, TimeSpan age = default, CancellationTokenSource? caller = null, DateTimeOffset? started = null,
        PodNetwork? on = null)
    {
        var request = Samples.Request(CniVerb.Add, container, netNs ?? NetNs(container), pod);
        return (on ?? Network).AddAsync(request, CniNetConf.Parse(request.Config), started ?? Time.GetUtcNow() - age, new AddTimes(), caller?.Token ?? CancellationToken.None);
    }

    public Task DelAsync(string container = "c1", PodNetwork? on = null) => (on ?? Network).DeleteAsync(new AttachmentKey(container, "eth0"), CancellationToken.None);

    /// <summary>Waits until the background has taken everything away.</summary>
    public async Task IdleAsync()
    {
        for (var i = 0; Detacher.PendingCount > 0; i++)
        {
            Assert.True(i < 2000, "the background does not finish");
            Time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(5);
        }
    }

    /// <summary>As a kill -9 at this moment: what is on disk and in the kernel stays, everything else is gone.</summary>
    public void Kill()
    {
        World.Kill(Steps);
        Directory.CreateDirectory(_folder[$"{_life + 1}"]);
        foreach (var file in Directory.GetFiles(_folder[$"{_life}"])) File.Copy(file, Path.Combine(_folder[$"{_life + 1}"], Path.GetFileName(file)));
        _dead.Add((Detacher, Store));
        _life++;
    }

    public async Task StartAgainAsync(Func<string, CancellationToken, Task>? at = null)
    {
        Steps = new Steps { At = at };
        await BeginAsync();
    }

    /// <summary>Stops in order, lets a test change the state file, and starts again.</summary>
    public async Task RestartAsync(string sql)
    {
        await Detacher.DisposeAsync();
        await Store.DisposeAsync();
        Sql(sql);
        await StartAgainAsync();
    }

    /// <summary>State, kernel and pool agree, and nobody did anything forbidden on the way.</summary>
    public async Task AssertConsistentAsync(params string[] containers)
    {
        await IdleAsync();
        Assert.Empty(World.Violations);
        var attached = Table.All.ToList();
        Assert.All(attached, static a => Assert.Equal(AttachmentPhase.Attached, a.Phase));
        Assert.Equal(containers.Order(StringComparer.Ordinal), attached.Select(static a => a.Record.Key.ContainerId).Order(StringComparer.Ordinal));
        AssertAgreement(attached);
    }

    public void AssertAgreement(IReadOnlyList<(AttachmentRecord Record, AttachmentPhase Phase)> attached)
    {
        Assert.Equal(
            attached.Select(static a => a.Record.Attachment.Allocation.Addresses[0].Address.ToString()).Order(StringComparer.Ordinal), Provider.Held);
        var planned = attached.SelectMany(static a => a.Record.Objects.Select(o => o.InPod ? $"{a.Record.Attachment.Pod.NetNsPath}: {o}" : o.ToString()));
        Assert.Equal(planned.Order(StringComparer.Ordinal), World.Objects);
    }

    /// <summary>The rows of a copy of the state file: what a start at this moment would find.</summary>
    public List<(string Container, AttachmentPhase Phase)> RowsOnDisk()
    {
        var copy = Directory.CreateDirectory(_folder[$"copy-{Guid.NewGuid():n}"]).FullName;
        foreach (var file in Directory.GetFiles(_folder[$"{_life}"])) File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        var connection = StateFile.Open(Path.Combine(copy, "state.db"));
        using (connection) return [.. StateReader.Read(connection).Attachments.Select(static a => (a.Record.Key.ContainerId, a.Phase))];
    }

    public async ValueTask DisposeAsync()
    {
        Steps.Dead = true;
        foreach (var (_, store) in _dead) await store.DisposeAsync();
        await Store.DisposeAsync();
        _folder.Dispose();
    }

    private async Task BeginAsync()
    {
        Store = StateStore.Open(StatePath, Time, NullLogger.Instance);
        Assert.Null(Store.SetAside);
        Kernel = new FakeKernel(World, Steps);
        Provider = new FakeProvider(World, Steps, Addresses);
        await Provider.RestoreAsync(
            [.. Store.Initial.Attachments.Select(static a => a.Record.Attachment.Allocation)], new Dictionary<System.Net.IPAddress, DateTimeOffset>(), default);
        Table = new AttachmentTable();
        var active = new ActivePlugins(
            [new PluginPart<IAddressProvider>("Fake/1.0.0", Provider)], [new PluginPart<IDatapath>(DatapathName, Datapath)],
            [new FakeStage(Steps, 1), new FakeStage(Steps, 2)], [new IPv4Family(null!, null!)]);
        Detacher = new PodDetacher(active, Table, Store, Kernel, Time, NullLogger<PodDetacher>.Instance);
        await using (var reconciler = new Reconciler(
            Store, Table, Detacher, Kernel, new NodeObjects(Store, Kernel), active, new NodeReadiness(), Time, NullLogger<Reconciler>.Instance))
        {
            await reconciler.RunAtStartAsync(Store.Initial.Attachments, default);
        }

        await new PodHandover(active, Table, Store, Kernel, NullLogger.Instance).RunAsync(_ => DatapathInService, default);

        var attacher = new PodAttacher(active, Table, Store, Kernel, Detacher, Time, NullLogger<PodAttacher>.Instance);
        Network = new PodNetwork(
            active, Table, new Fence<AttachmentKey>(), new Tombstones(Store, Time), attacher, Detacher, Kernel, new ManifestPodFacts(null), NullLogger<PodNetwork>.Instance);
    }

    private void Sql(string text)
    {
        using var connection = new SqliteConnection($"Data Source={StatePath};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100
        command.CommandText = text;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
