using Terway.AlibabaCloud.Credentials;
using Terway.AlibabaCloud.Transport;
using Terway.Lab.Cloud;
using Terway.Lab.Cloud.Faults;
using Terway.Lab.Config;

namespace Terway.Plugins.SharedEni.Tests;

/// <summary>Troubles of the cloud that last, with the transport as the daemon has it: repeats, pauses, an endpoint that counts as down.</summary>
public sealed class CloudOutageTests
{
    private const string Pods = """ "vswitches": {"cn-hangzhou-i": ["vsw-pods"]} """;

    // What docs/configuration.md says of back-off: 20 s at most, and jitter on top.
    private static readonly TimeSpan s_resumes = TimeSpan.FromSeconds(25);

    private static readonly RetryOptions s_retry = new() { Jitter = () => 0.5 };

    [Theory]
    [InlineData(FaultKind.Unreachable, "TransportError")]
    [InlineData(FaultKind.BlackHole, "RequestTimeout")]
    public async Task Api_down_for_an_hour_pool_hits_and_a_restart_go_on_and_growth_resumes_by_itself(FaultKind kind, string code)
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "min_pool_size": 30, "max_pool_size": 40}""", attach: TimeSpan.FromSeconds(1), retry: s_retry);
        await node.StartAsync();
        await node.UntilAsync(() => node.Capacity.Idle >= 30, "the pool is warm");
        await node.SettleAsync();
        var live = new List<Allocation>();
        var asked = node.Cloud.CallCount;
        node.Faults.Add(new FaultRule { Kind = kind });

        for (var minute = 0; minute < 60; minute++)
        {
            if (minute == 30)
            {
                await node.RestartAsync(live);
                asked -= node.Cloud.CallCount;
            }

            if (node.Capacity.Idle > 10)
            {
                // A hit waits for nobody, least of all for the clock.
                var hit = node.Plugin.AllocateAsync(node.Pod(), default);
                Assert.True(hit.IsCompletedSuccessfully, $"minute {minute}");
                live.Add(await hit);
            }

            await node.PassAsync(TimeSpan.FromMinutes(1));
        }

        Assert.True(live.Count > 15);
        var rest = Enumerable.Range(0, node.Capacity.Idle).Select(_ => node.Plugin.AllocateAsync(node.Pod(), default)).ToArray();
        Assert.All(rest, r => Assert.True(r.IsCompletedSuccessfully));
        live.AddRange(rest.Select(r => r.Result));
        var refused = await Assert.ThrowsAsync<PodNetworkException>(() => node.RunAsync(node.AllocateAsync()));
        Assert.StartsWith("cloud: ", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"{code}: ", refused.Message, StringComparison.Ordinal);
        Assert.Matches("again (at|after) ", refused.Message);
        Assert.NotEmpty(node.Host.Findings);

        // One call at a time tries the endpoint, every ten seconds; what is refused at the door costs nobody anything, but is bounded too.
        var sent = node.Codes[kind.ToString()];
        Assert.InRange(sent, 30, (3600 / 10) + 30);
        Assert.True(node.Cloud.CallCount - asked <= 60 * 3 * 8, $"{node.Cloud.CallCount - asked} calls asked for");

        node.Faults.Clear();
        var begun = node.Time.GetUtcNow();
        live.Add(await node.RunAsync(node.AllocateAsync()));
        Assert.True(node.Time.GetUtcNow() - begun <= s_resumes, $"the pool grew {node.Time.GetUtcNow() - begun} after the API was back");
        await node.UntilAsync(() => node.Capacity.Idle >= 5, "the pool goes on growing");
        await CheckAsync(node, live);
    }

    [Fact]
    public async Task Quota_reached_is_a_finding_and_no_storm_of_calls()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "ip_wait_timeout": 30}""", attach: TimeSpan.FromSeconds(1), retry: s_retry);
        await node.StartAsync();
        var live = new List<Allocation>();
        live.AddRange(await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 15).Select(_ => node.AllocateAsync()))));
        node.Faults.Add(new FaultRule { Kind = FaultKind.QuotaReduced, Enis = 2 });
        var before = node.Records.Count;

        // Pods keep coming, as a runtime has it.
        for (var minute = 0; minute < 30; minute++)
        {
            var pod = node.AllocateAsync();
            await node.UntilAsync(() => pod.IsCompleted, "the pod has an answer", TimeSpan.FromSeconds(31));
            var error = await Assert.ThrowsAsync<PodNetworkException>(() => pod);
            Assert.Contains("EniPerInstanceLimitExceeded", error.Message, StringComparison.Ordinal);
            Assert.Contains("RequestId", error.Message, StringComparison.Ordinal);
            Assert.Contains("is tried again at", error.Message, StringComparison.Ordinal);
            await node.PassAsync(TimeSpan.FromMinutes(1));
        }

        Assert.Contains("EniPerInstanceLimitExceeded", node.Host.Findings["create"].Reason, StringComparison.Ordinal);
        var calls = node.Records.Skip(before).CountBy(r => r.Action).ToDictionary();
        Assert.True(calls.GetValueOrDefault("CreateNetworkInterface") <= 8, $"{string.Join(", ", calls)}");
        Assert.True(calls.Values.Sum() <= 80, $"{calls.Values.Sum()} calls in half an hour: {string.Join(", ", calls)}");
        Assert.Equal(2, node.Region.Enis.Length);

        node.Faults.Clear();
        live.Add(await TryAsync(node, TimeSpan.FromMinutes(11)));
        await CheckAsync(node, live);
        Assert.DoesNotContain("create", node.Host.Findings.Keys);
    }

    [Fact]
    public async Task Access_key_revoked_and_rotated_is_taken_up_without_a_restart()
    {
        using var secrets = new SecretFolder("LTAItest", "secret");
        await using var node = await TestNode.CreateAsync(
            "{" + Pods + "}", retry: s_retry, credentials: new SecretFilesCredentialProvider(secrets.Path),
            config: TestNode.Config with { AccessKeys = [new AccessKeyConfig { Id = "LTAItest", Secret = "secret" }, new AccessKeyConfig { Id = "LTAInew", Secret = "other" }] });
        await node.StartAsync();
        var live = new List<Allocation>();
        live.AddRange(await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 15).Select(_ => node.AllocateAsync()))));
        node.Faults.Add(new FaultRule { Kind = FaultKind.CredentialsExpired, Target = "LTAItest" });

        var error = await Assert.ThrowsAsync<PodNetworkException>(() => node.RunAsync(node.AllocateAsync()));
        Assert.Contains("InvalidAccessKeyId.Inactive", error.Message, StringComparison.Ordinal);
        Assert.Contains("RequestId", error.Message, StringComparison.Ordinal);
        var before = node.Codes["InvalidAccessKeyId.Inactive"];
        for (var minute = 0; minute < 10; minute++)
        {
            var pod = node.AllocateAsync();
            await node.UntilAsync(() => pod.IsCompleted, "the pod has an answer", TimeSpan.FromSeconds(61));
            await Assert.ThrowsAsync<PodNetworkException>(() => pod);
        }

        // Each try asks once more with the credential read anew.
        Assert.InRange(node.Codes["InvalidAccessKeyId.Inactive"] - before, 1, 10 * 3 * 2 * 2);
        Assert.NotEmpty(node.Host.Findings);

        secrets.Write("LTAInew", "other");
        var begun = node.Time.GetUtcNow();
        live.Add(await node.RunAsync(node.AllocateAsync()));
        Assert.True(node.Time.GetUtcNow() - begun <= s_resumes);
        await node.SettleAsync();
        Assert.Empty(node.Host.Findings);
        Assert.Equal("LTAInew", node.Records[^1].AccessKeyId);
        await CheckAsync(node, live);
    }

    [Theory]
    [InlineData("CreateNetworkInterface", FaultKind.LostAnswer)]
    [InlineData("CreateNetworkInterface", FaultKind.BlackHole)]
    [InlineData("AssignPrivateIpAddresses", FaultKind.LostAnswer)]
    [InlineData("AssignPrivateIpAddresses", FaultKind.BlackHole)]
    public async Task Repeated_call_carries_the_same_token_and_is_done_once(string api, FaultKind kind)
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + "}", attach: TimeSpan.FromSeconds(1), retry: s_retry);
        await node.StartAsync();
        var live = new List<Allocation> { await node.RunAsync(node.AllocateAsync()) };
        await node.SettleAsync();
        var before = node.Records.Count;
        node.Faults.Add(new FaultRule { Kind = kind, Api = api, Next = 2 });

        live.AddRange(await node.RunAsync(Task.WhenAll(Enumerable.Range(0, api[0] == 'C' ? 20 : 5).Select(_ => node.AllocateAsync()))));

        var tries = node.Records.Skip(before).Where(r => r.Action == api).Take(3).ToArray();
        Assert.Equal([kind.ToString(), kind.ToString(), "OK"], tries.Select(t => t.Code));
        Assert.NotNull(tries[0].ClientToken);
        Assert.Single(tries.Select(t => t.ClientToken).Distinct());
        Assert.Equal(api[0] == 'C' ? 2 : 1, node.Secondaries.Count);
        await CheckAsync(node, live);
    }

    [Fact]
    public async Task Clock_20_minutes_off_costs_one_refusal_and_is_told_until_it_is_right()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + "}", retry: s_retry);
        await node.StartAsync();
        node.Faults.Add(new FaultRule { Kind = FaultKind.ClockSkew, SkewMs = 1_200_000 });
        var live = new List<Allocation>();
        live.AddRange(await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 20).Select(_ => node.AllocateAsync()))));
        await node.SettleAsync();
        Assert.InRange(node.ClockSkew!.Value.TotalSeconds, 1198, 1201);
        Assert.InRange(node.Codes["InvalidTimeStamp.Expired"], 1, 4);

        node.Faults.Clear();
        live.AddRange(await node.RunAsync(Task.WhenAll(Enumerable.Range(0, 20).Select(_ => node.AllocateAsync()))));
        Assert.InRange(node.ClockSkew!.Value.TotalSeconds, -1, 1);
        await CheckAsync(node, live);
    }

    [Fact]
    public async Task Pod_that_waits_for_a_call_without_an_answer_is_told_so()
    {
        await using var node = await TestNode.CreateAsync("{" + Pods + """, "ip_wait_timeout": 5}""", retry: s_retry);
        await node.StartAsync();
        await node.SettleAsync();
        node.Faults.Add(new FaultRule { Kind = FaultKind.BlackHole });

        var error = await Assert.ThrowsAsync<PodNetworkException>(() => node.RunAsync(node.AllocateAsync()));

        Assert.Equal("cloud", error.Stage);
        Assert.Contains("no address within 5 s: DescribeVSwitches has been under way for 5 s without success", error.Message, StringComparison.Ordinal);
        Assert.Contains("the runtime retries the pod", error.Message, StringComparison.Ordinal);
        node.Faults.Clear();
        await CheckAsync(node, [await TryAsync(node, TimeSpan.FromMinutes(3))]);
    }

    // As a runtime: again and again.
    private static async Task<Allocation> TryAsync(TestNode node, TimeSpan limit)
    {
        for (var end = node.Time.GetUtcNow() + limit; ;)
        {
            try
            {
                return await node.RunAsync(node.AllocateAsync());
            }
            catch (PodNetworkException) when (node.Time.GetUtcNow() < end)
            {
                await node.PassAsync(TimeSpan.FromSeconds(10));
            }
        }
    }

    private static async Task CheckAsync(TestNode node, List<Allocation> live)
    {
        await node.PassAsync(TimeSpan.FromMinutes(3));
        await node.SettleAsync();
        Assert.Equal(live.Count, live.Select(l => l.Addresses[0].Address).Distinct().Count());
        foreach (var allocation in live)
        {
            var eni = Assert.Single(node.Secondaries, e => e.Id == allocation.EniId);
            Assert.Equal(EniStatus.InUse, eni.Status);
            Assert.Contains(allocation.Addresses[0].Address, eni.PrivateIps);
        }

        Assert.Equal(node.Secondaries.Select(e => $"eni/{e.Id}").Order(StringComparer.Ordinal), node.Disk.Records.Keys);
        var capacity = node.Capacity;
        Assert.Equal(node.Secondaries.Sum(e => e.PrivateIps.Length), capacity.InUse + capacity.Idle + capacity.CoolingDown);
    }

    private sealed class SecretFolder : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("terway-secret-");

        public SecretFolder(string id, string secret) => Write(id, secret);

        public string Path => _folder.FullName;

        public void Write(string id, string secret)
        {
            File.WriteAllText(System.IO.Path.Combine(Path, "access-key-id"), id);
            File.WriteAllText(System.IO.Path.Combine(Path, "access-key-secret"), secret);
        }

        public void Dispose() => _folder.Delete(recursive: true);
    }
}
