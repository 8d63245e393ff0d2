using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Terway.AlibabaCloud.Credentials;
using Terway.AlibabaCloud.Transport;
using Terway.Lab.Cloud;
using Terway.Lab.Cloud.Api;
using Terway.Lab.Cloud.Faults;
using Terway.Lab.Config;

namespace Terway.Plugins.SharedEni.Tests;

/// <summary>
/// A node in the embedded region, reached through the real OpenAPI, and the plugin on it, in as many lives as a test wants. Time stands still while
/// anything works and goes on when everything waits.
/// </summary>
internal sealed class TestNode : IAsyncDisposable
{
    public const string Zone = "cn-hangzhou-i";

    private static readonly TimeSpan s_realLimit = TimeSpan.FromSeconds(30);

    private readonly LabCloud _cloud;
    private readonly OpenApiTransport _transport;
    private readonly CallTime _callTime;
    private readonly string _settings;
    private readonly bool _dual;
    private int _pods;
    private bool _driven;

    private TestNode(
        LabCloud cloud, TestFabric fabric, ManualTime time, NodeFacts facts, string settings, bool dual, RetryOptions? retry, ICredentialProvider? credentials)
    {
        _cloud = cloud;
        Fabric = fabric;
        Time = time;
        Facts = facts;
        _settings = settings;
        _dual = dual;
        _callTime = new CallTime(time);
        _transport = new OpenApiTransport(
            new OpenApiTransportOptions
            {
                Region = "cn-hangzhou",
                EcsEndpoint = cloud.OpenApiAddresses[0].ToString(),
                VpcEndpoint = cloud.OpenApiAddresses[0].ToString(),
                // Each failure reaches the plugin: the harder case.
                Retry = retry ?? new RetryOptions { MaxAttempts = 1 },
                RateLimits = s_noLimits,
                OnClockSkew = skew => ClockSkew = skew,
            },
            credentials ?? new StaticCredentialProvider("LTAItest", "secret"),
            time: _callTime);
        Begin(new CrashPoint());
    }

    private static readonly Dictionary<string, int> s_noLimits = new[]
    {
        "CreateNetworkInterface", "AttachNetworkInterface", "DetachNetworkInterface", "DeleteNetworkInterface", "DescribeNetworkInterfaces",
        "AssignPrivateIpAddresses", "UnassignPrivateIpAddresses", "AssignIpv6Addresses", "UnassignIpv6Addresses", "DescribeVSwitches",
    }.ToDictionary(a => a, _ => 1_000_000);

    public Region Region => _cloud.Region;

    public FaultPlan Faults => _cloud.Region.Faults;

    public TestFabric Fabric { get; }

    public ManualTime Time { get; }

    public NodeFacts Facts { get; }

    public TestDisk Disk { get; } = new();

    public CrashPoint Crash { get; private set; } = null!;

    public TestStore Store { get; private set; } = null!;

    public TestCloudPort Cloud { get; private set; } = null!;

    public TestHost Host { get; private set; } = null!;

    public SharedEniProvider Plugin { get; private set; } = null!;

    /// <summary>The clock's error that the transport told last; null: none yet.</summary>
    public TimeSpan? ClockSkew { get; private set; }

    /// <summary>The last calls that reached the cloud, oldest first.</summary>
    public IReadOnlyList<CallRecord> Records => _cloud.Calls.Records;

    /// <summary>Answers of the cloud so far, by code.</summary>
    public IReadOnlyDictionary<string, int> Codes => _cloud.Calls.Codes;

    public IReadOnlyList<EniSnapshot> Secondaries => [.. Region.Enis.Where(e => e.Type != EniType.Primary)];

    public Capacity Capacity => Plugin.GetCapacity();

    public static async Task<TestNode> CreateAsync(
        string settings = "{}", string type = "ecs.g7.xlarge", bool dual = false, TimeSpan attach = default, LabConfig? config = null,
        RetryOptions? retry = null, ICredentialProvider? credentials = null)
    {
        // A thread that waits for quiet is not there for the work it waits for.
        ThreadPool.SetMinThreads(8, 8);
        var fabric = new TestFabric();
        var time = new ManualTime();
        config ??= Config;
        config = config with { Delays = new DelayConfig { Attach = attach, Detach = attach, Delete = attach } };
        var cloud = await LabCloud.StartAsync(config, fabric, new LabCloudOptions { OpenApi = [LabListener.Loopback()], Time = time });
        var node = await cloud.Region.RunInstanceAsync(
            new InstanceRequest { Name = "node1", InstanceType = type, VSwitchId = "vsw-nodes", SecurityGroupIds = ["sg-1"] });
        var limits = node.Type;
        var facts = new NodeFacts
        {
            NodeName = "node1",
            InstanceId = node.Id,
            InstanceType = limits.Id,
            RegionId = "cn-hangzhou",
            ZoneId = Zone,
            VpcId = "vpc-lab",
            VSwitchId = "vsw-nodes",
            PrimaryMac = node.PrimaryEni.Mac,
            Addresses = [node.PrimaryEni.PrimaryIp],
            EniQuantity = limits.EniQuantity,
            EniTotalQuantity = limits.EniTotalQuantity,
            EniPrivateIpAddressQuantity = limits.EniPrivateIpAddressQuantity,
            EniIpv6AddressQuantity = limits.EniIpv6AddressQuantity,
            EniTrunkSupported = limits.EniTrunkSupported,
        };
        return new TestNode(cloud, fabric, time, facts, settings, dual, retry, credentials);
    }

    public static LabConfig Config { get; } = new()
    {
        Vpc = new VpcConfig { Ipv6Cidr = IPNetwork.Parse("2408:4005:1000::/56") },
        VSwitches =
        [
            new VSwitchConfig { Id = "vsw-nodes", ZoneId = Zone, Cidr = IPNetwork.Parse("10.0.0.0/24") },
            new VSwitchConfig
            {
                Id = "vsw-pods", ZoneId = Zone, Cidr = IPNetwork.Parse("10.0.16.0/22"), Ipv6Cidr = IPNetwork.Parse("2408:4005:1000:10::/64"),
            },
            new VSwitchConfig { Id = "vsw-tiny", ZoneId = Zone, Cidr = IPNetwork.Parse("10.0.8.0/28") },
            new VSwitchConfig { Id = "vsw-far", ZoneId = "cn-hangzhou-k", Cidr = IPNetwork.Parse("10.0.9.0/24") },
        ],
        SecurityGroups = [new SecurityGroupConfig { Id = "sg-1" }, new SecurityGroupConfig { Id = "sg-2" }],
        AccessKeys = [new AccessKeyConfig { Id = "LTAItest", Secret = "secret" }],
        Throttles = new ThrottleConfig { Default = 1_000_000, PerAction = ThrottleConfigs.Open },
    };

    /// <summary>A new process on the same disk, not started yet.</summary>
    public void Begin(CrashPoint crash, string? settings = null)
    {
        Crash = crash;
        Store = new TestStore(Disk, crash);
        Cloud = new TestCloudPort(_transport, crash);
        using var document = JsonDocument.Parse(settings ?? _settings);
        Host = new TestHost
        {
            Node = Facts,
            Settings = document.RootElement.Clone(),
            Families = _dual
                ? [new TestFamily(AddressFamily.InterNetwork, Cloud), new TestFamily(AddressFamily.InterNetworkV6, Cloud)]
                : [new TestFamily(AddressFamily.InterNetwork, Cloud)],
            Cloud = Cloud,
            Store = Store,
            Time = Time,
            Fabric = Fabric,
            Disk = Disk,
            Crash = crash,
        };
        Plugin = new SharedEniProvider(Host);
    }

    /// <summary>Starts the plugin, and lets time pass until it has started.</summary>
    public Task StartAsync(IReadOnlyList<Allocation>? live = null, IReadOnlyDictionary<IPAddress, DateTimeOffset>? released = null) =>
        RunAsync(LaunchAsync(live, released));

    /// <summary>Starts the plugin; somebody else has to let time pass.</summary>
    public async Task LaunchAsync(IReadOnlyList<Allocation>? live = null, IReadOnlyDictionary<IPAddress, DateTimeOffset>? released = null)
    {
        await Plugin.RestoreAsync(live ?? [], released ?? new Dictionary<IPAddress, DateTimeOffset>(), default);
        await Plugin.StartAsync(default);
    }

    /// <summary>A clean end and a new life.</summary>
    public async Task RestartAsync(
        IReadOnlyList<Allocation>? live = null, IReadOnlyDictionary<IPAddress, DateTimeOffset>? released = null, string? settings = null)
    {
        await RunAsync(Plugin.StopAsync(default));
        Begin(new CrashPoint(), settings);
        await StartAsync(live, released);
    }

    public PodInterface Pod()
    {
        var number = Interlocked.Increment(ref _pods);
        return new() { ContainerId = $"c{number}", IfName = "eth0", NetNsPath = "/run/netns/x", Namespace = "default", Name = $"pod-{number}" };
    }

    public Task<Allocation> AllocateAsync(CancellationToken cancellationToken = default) => Plugin.AllocateAsync(Pod(), cancellationToken).AsTask();

    /// <summary>Lets time pass until the task has ended.</summary>
    public async Task<T> RunAsync<T>(Task<T> task)
    {
        await UntilAsync(() => task.IsCompleted, "the task ends");
        return await task;
    }

    public async Task RunAsync(Task task)
    {
        await UntilAsync(() => task.IsCompleted, "the task ends");
        await task;
    }

    /// <summary>Lets time pass until something holds.</summary>
    public async Task UntilAsync(Func<bool> condition, string what, TimeSpan? limit = null)
    {
        var last = Time.GetUtcNow() + (limit ?? TimeSpan.FromMinutes(30));
        var real = Stopwatch.StartNew();
        while (!condition())
        {
            await QuietAsync(condition);
            if (condition())
            {
                return;
            }

            if (Time.GetUtcNow() >= last || real.Elapsed > s_realLimit)
            {
                Assert.Fail($"not reached: {what}; {Describe()}");
            }

            Time.Step(last);
        }
    }

    /// <summary>Lets this much time pass.</summary>
    public async Task PassAsync(TimeSpan duration)
    {
        var end = Time.GetUtcNow() + duration;
        while (true)
        {
            await QuietAsync(static () => false);
            if (Time.GetUtcNow() >= end)
            {
                return;
            }

            Time.Step(end);
        }
    }

    /// <summary>Lets time pass until the plugin has nothing under way.</summary>
    public Task SettleAsync() => UntilAsync(() => Plugin.IsSettled, "the pool settles");

    public string Describe() => $"steps {Crash.Steps}, inside {Crash.Inside}, held {_cloud.Calls.Held}, pauses {_callTime.Pauses}, queued {ThreadPool.PendingWorkItemCount}, settled {Plugin.IsSettled}, "
        + $"time {Time.GetUtcNow():HH:mm:ss.fff}, calls {Cloud.CallCount}; " + string.Join("; ", Region.Enis.Select(e => $"{e.Id} {e.Type} {e.Status} {e.PrivateIps.Length}"))
        + $"; {Plugin.GetCapacity()}; findings {string.Join(", ", Host.Findings.Select(f => $"{f.Key}={f.Value.Reason}"))}"
        + $"; records {string.Join(", ", Disk.Records.Keys)}";

    public async ValueTask DisposeAsync()
    {
        Crash.Dead = true;
        var stop = Plugin.StopAsync(default);

        // Ends calls that are never answered, for which the clock would have to go on.
        _transport.Dispose();
        await stop.WaitAsync(TimeSpan.FromSeconds(10));
        await _cloud.DisposeAsync();
    }

    // Waits, in real time, until nothing moves any more without the clock: no call is on its way to the region or the disk, and the thread pool, on
    // which everything here runs, has nothing queued and nobody at work but us. A guess by elapsed time would move the clock under a slow machine.
    private async Task QuietAsync(Func<bool> condition)
    {
        // From a thread of the pool, and without giving it back: each await would be work for the pool in its turn.
        await Task.Yield();
        Assert.False(Interlocked.Exchange(ref _driven, true), "two at once let time pass");
        try
        {
            WaitForQuiet(condition);
        }
        finally
        {
            Volatile.Write(ref _driven, false);
        }
    }

    private void WaitForQuiet(Func<bool> condition)
    {
        var real = Stopwatch.StartNew();
        for (var (quiet, steps) = (0, -1); quiet < 2;)
        {
            if (condition())
            {
                return;
            }

            if (real.Elapsed > s_realLimit)
            {
                Assert.Fail($"no end of it: {Describe()}");
            }

            quiet = AtWork == 0 && steps == Crash.Steps && ThreadPool.PendingWorkItemCount == 0 && BusyWorkers() <= 1 ? quiet + 1 : 0;
            steps = Crash.Steps;
            Thread.Sleep(quiet > 0 ? 0 : 1);
        }
    }

    // A step under way that only the clock takes further is not at work: the cloud holds the call back, or the transport pauses before the next try.
    private int AtWork => Crash.Inside - _cloud.Calls.Held - _callTime.Pauses;

    private static int BusyWorkers()
    {
        ThreadPool.GetMaxThreads(out var most, out _);
        ThreadPool.GetAvailableThreads(out var free, out _);
        return most - free;
    }
}
