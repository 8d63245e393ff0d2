using System.Text.RegularExpressions;
using Terway.Lab.Cloud;
using Terway.Lab.Cloud.Faults;
using CloudException = Terway.Plugin.CloudException;

namespace Terway.Plugins.SharedEni.Tests;

/// <summary>
/// Every fault that the region knows, for some minutes in which pods come and go: each pod gets an address or an explained refusal, the calls stay few,
/// and when the fault is over everything adds up again without a restart.
/// </summary>
public sealed partial class CloudFaultTests
{
    private const string Settings =
        """
        {"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}, "min_pool_size": 2, "max_pool_size": 4, "ip_pool_sync_period": "30s", "ip_cooldown": 20,
         "ip_wait_timeout": 30}
        """;

    // What the plugin may send in two minutes of trouble. Kept small by back-off alone: the transport repeats nothing here.
    private const int MostCalls = 90;

    // docs/configuration.md: a vSwitch without addresses and a quota are left alone for ten minutes at most, everything else is shorter.
    private static readonly TimeSpan s_recovery = TimeSpan.FromMinutes(10.5);

    private static readonly TimeSpan s_trouble = TimeSpan.FromMinutes(2);

    private static readonly (string Name, FaultRule[] Rules, string? Code)[] s_cases =
    [
        ("server error", [new() { Kind = FaultKind.Error }], "InternalError"),
        ("every other call fails", [new() { Kind = FaultKind.Error, Code = "ServiceUnavailable", Status = 503, Probability = 0.5, Seed = 3 }], null),
        ("conflict", [new() { Kind = FaultKind.Error, Code = "Operation.Conflict", Status = 409 }], "Operation.Conflict"),
        ("permission taken away", [new() { Kind = FaultKind.Error, Code = "Forbidden.RAM", Status = 403 }], "Forbidden.RAM"),
        ("account quota", [new() { Kind = FaultKind.Error, Api = "CreateNetworkInterface", Code = "MaxEniCountExceeded", Status = 403 }], null),
        ("latency", [new() { Kind = FaultKind.Latency, LatencyMs = 8_000 }], null),
        ("latency beyond the time limit", [new() { Kind = FaultKind.Latency, LatencyMs = 25_000 }], "RequestTimeout"),
        ("every answer lost", [new() { Kind = FaultKind.LostAnswer }], "TransportError"),
        ("every third answer lost", [new() { Kind = FaultKind.LostAnswer, Probability = 0.35, Seed = 5 }], null),
        ("answers of assignments lost", [new() { Kind = FaultKind.LostAnswer, Api = "AssignPrivateIpAddresses" }], null),
        ("unreachable", [new() { Kind = FaultKind.Unreachable }], "TransportError"),
        ("throttled", [new() { Kind = FaultKind.Throttle, RetryAfterMs = 2_000 }], "Throttling.User"),
        ("attachments roll back", [new() { Kind = FaultKind.AttachRollback }], null),
        ("vSwitch exhausted", [new() { Kind = FaultKind.VSwitchExhausted, Target = "vsw-pods" }], "InvalidVSwitchId.IpNotEnough"),
        ("access key revoked", [new() { Kind = FaultKind.CredentialsExpired, Target = "LTAItest" }], "InvalidAccessKeyId.Inactive"),
        ("black hole", [new() { Kind = FaultKind.BlackHole }], "RequestTimeout"),
        ("attachments into a black hole", [new() { Kind = FaultKind.BlackHole, Api = "AttachNetworkInterface" }], null),
        ("clock 20 minutes ahead", [new() { Kind = FaultKind.ClockSkew, SkewMs = 1_200_000 }], null),
        ("clock 20 minutes behind", [new() { Kind = FaultKind.ClockSkew, SkewMs = -1_200_000 }], null),
        ("lists lag by 2 s", [new() { Kind = FaultKind.DescribeLag, LagMs = 2_000 }], null),
        ("lists lag by 15 s", [new() { Kind = FaultKind.DescribeLag, LagMs = 15_000 }], null),
        ("lists lag and answers are lost", [new() { Kind = FaultKind.DescribeLag, LagMs = 10_000 }, new() { Kind = FaultKind.LostAnswer, Probability = 0.3, Seed = 2 }], null),
        ("one address at a time", [new() { Kind = FaultKind.PartialAssign, AtMost = 1 }], null),
        ("no address at all", [new() { Kind = FaultKind.PartialAssign, AtMost = 0 }], null),
        ("no further ENI", [new() { Kind = FaultKind.QuotaReduced, Enis = 2 }], "EniPerInstanceLimitExceeded"),
        ("fewer addresses", [new() { Kind = FaultKind.QuotaReduced, Addresses = 6 }], null),
        ("detach hangs", [new() { Kind = FaultKind.DetachHang, HangMs = 240_000 }], null),
    ];

    public static TheoryData<string> Cases => [.. s_cases.Select(c => c.Name)];

    // The pool asks no metadata service: its lag reaches the daemon alone.
    [Fact]
    public void Every_kind_of_fault_has_a_case() =>
        Assert.Equal(
            [.. Enum.GetValues<FaultKind>().Where(k => k != FaultKind.MetadataLag).Order()],
            s_cases.SelectMany(c => c.Rules).Select(r => r.Kind).Distinct().Order());

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Fault_is_survived_and_leaves_nothing(string name)
    {
        var (_, rules, code) = s_cases.Single(c => c.Name == name);
        await using var node = await TestNode.CreateAsync(Settings, attach: TimeSpan.FromSeconds(1));
        await node.StartAsync();
        var live = new List<Allocation>();
        live.AddRange(await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 12).Select(_ => node.AllocateAsync()))));
        await node.PassAsync(TimeSpan.FromMinutes(1));
        var before = node.Records.Count;

        foreach (var rule in rules)
        {
            node.Faults.Add(rule);
        }

        // More than the first ENI holds, and then fewer than it has: both ways of growing and of shrinking.
        var refusals = await ComeAsync(node, live, 24);
        Release(node, live, 30);
        await node.PassAsync(s_trouble);
        refusals.AddRange(await ComeAsync(node, live, 20));
        Assert.All(refusals, AssertExplained);
        if (code is not null)
        {
            Assert.Contains(refusals, r => r.Message.Contains($"{code}: ", StringComparison.Ordinal));
        }

        var calls = node.Records.Skip(before).CountBy(r => r.Action).ToDictionary();
        Assert.True(calls.Values.Sum() <= MostCalls, $"{calls.Values.Sum()} calls: {string.Join(", ", calls)}");
        CheckPods(node, live);

        node.Faults.Clear();
        var over = node.Time.GetUtcNow();
        while (true)
        {
            Assert.All(await ComeAsync(node, live, 40 - live.Count), AssertExplained);
            if (live.Count == 40)
            {
                break;
            }

            Assert.True(node.Time.GetUtcNow() - over < s_recovery, $"pods are still refused: {node.Describe()}");
            await node.PassAsync(TimeSpan.FromSeconds(20));
        }

        await CheckAllAsync(node, live);
        Release(node, live, 40);
        await node.PassAsync(TimeSpan.FromMinutes(12));
        await CheckAllAsync(node, live);
        Assert.Equal(4, Assert.Single(node.Secondaries).PrivateIps.Length);
        Assert.Empty(node.Host.Findings);
    }

    // As a runtime: what is refused comes again with the next call of this.
    private static async Task<List<PodNetworkException>> ComeAsync(TestNode node, List<Allocation> live, int count)
    {
        var pods = Enumerable.Range(0, count).Select(_ => node.AllocateAsync()).ToArray();
        await node.UntilAsync(() => pods.All(p => p.IsCompleted), "every pod has an answer", TimeSpan.FromSeconds(35));
        live.AddRange(pods.Where(p => p.IsCompletedSuccessfully).Select(p => p.Result));
        CheckPods(node, live);
        return [.. pods.Where(p => p.IsFaulted).Select(p => Assert.IsType<PodNetworkException>(p.Exception!.InnerException))];
    }

    private static void Release(TestNode node, List<Allocation> live, int count)
    {
        foreach (var allocation in live.Take(count).ToArray())
        {
            live.Remove(allocation);
            node.Plugin.Release(allocation, used: true);
        }
    }

    // Stage, code, RequestId where there was an answer, and what happens next.
    private static void AssertExplained(PodNetworkException error)
    {
        Assert.True(error.CanRetry);
        Assert.Contains("the runtime retries the pod", error.Message, StringComparison.Ordinal);
        if (error.InnerException is CloudException cause)
        {
            Assert.StartsWith("cloud: ", error.Message, StringComparison.Ordinal);
            Assert.Contains($"{cause.Action}: {cause.Code}: ", error.Message, StringComparison.Ordinal);
            Assert.Equal(cause.Code is "TransportError" or "RequestTimeout", cause.RequestId is null);
            Assert.True(cause.RequestId is null || error.Message.Contains(cause.RequestId, StringComparison.Ordinal), error.Message);
            Assert.Matches(When(), error.Message);
        }
        else
        {
            Assert.StartsWith("pool: ", error.Message, StringComparison.Ordinal);
        }
    }

    [GeneratedRegex(@"is tried again at \d\d:\d\d:\d\dZ|asked for again after \d+ s|is tried again at this moment")]
    private static partial Regex When();

    // Whatever the lists say: a pod's address is on its ENI, the ENI on the node, and nobody else has it.
    private static void CheckPods(TestNode node, List<Allocation> live)
    {
        Assert.Equal(live.Count, live.Select(l => l.Addresses[0].Address).Distinct().Count());
        foreach (var allocation in live)
        {
            var eni = Assert.Single(node.Secondaries, e => e.Id == allocation.EniId);
            Assert.Equal(EniStatus.InUse, eni.Status);
            Assert.Contains(allocation.Addresses[0].Address, eni.PrivateIps);
        }
    }

    private static async Task CheckAllAsync(TestNode node, List<Allocation> live)
    {
        await node.PassAsync(TimeSpan.FromMinutes(3));
        await node.SettleAsync();
        CheckPods(node, live);
        var records = node.Secondaries.Select(e => $"eni/{e.Id}").Order(StringComparer.Ordinal).ToArray();
        Assert.Equal(records, node.Disk.Records.Keys);
        Assert.Equal([.. records, "node"], node.Disk.NodeObjects.Keys);
        var capacity = node.Capacity;
        Assert.Equal(live.Count, capacity.InUse);
        Assert.Equal(node.Secondaries.Sum(e => e.PrivateIps.Length), capacity.InUse + capacity.Idle + capacity.CoolingDown);
        Assert.Empty(node.Region.Troubles);
    }
}
