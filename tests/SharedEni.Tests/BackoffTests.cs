using System.Text.Json;
using Terway.Lab.Cloud.Faults;
using Terway.EniPool.Configuration;
using Terway.EniPool.Pool;
using Terway.EniPool.Scaling;

namespace Terway.Plugins.SharedEni.Tests;

public sealed class BackoffTests
{
    [Fact]
    public void Read_maps_upstreams_keys_and_lets_default_stand_for_the_others()
    {
        var (overrides, problems) = Read(
            """
            {"default": {"duration": "3s", "factor": 1.5, "jitter": 0, "steps": 6},
             "eni_create": {"duration": 10000000000, "factor": 2, "jitter": 0.3, "steps": 2},
             "eni_release": {"initialDelay": "4s", "cap": "1m"}}
            """);

        Assert.Empty(problems);
        Assert.Equal(new BackoffShape(TimeSpan.FromSeconds(3), 1.5, 0, 6, TimeSpan.FromSeconds(20)), overrides.Default);
        Assert.Equal(overrides.Default, overrides.Addresses);
        Assert.Equal(overrides.Default, overrides.Attach);
        Assert.Equal(new BackoffShape(TimeSpan.FromSeconds(10), 2, 0.3, 2, TimeSpan.FromSeconds(20)), overrides.Create);
        Assert.Equal(new BackoffShape(TimeSpan.FromSeconds(4), 1.5, 0, 6, TimeSpan.FromMinutes(1)), overrides.Release);
    }

    [Theory]
    [InlineData("""{"eni_ops": {"duration": "soon"}}""", "$.backoff_override.eni_ops.duration", true)]
    [InlineData("""{"eni_ops": {"duration": -1}}""", "$.backoff_override.eni_ops.duration", true)]
    [InlineData("""{"eni_ops": {"factor": 0.5}}""", "$.backoff_override.eni_ops.factor", true)]
    [InlineData("""{"eni_ops": {"jitter": "much"}}""", "$.backoff_override.eni_ops.jitter", true)]
    [InlineData("""{"eni_ops": {"steps": 1.5}}""", "$.backoff_override.eni_ops.steps", true)]
    [InlineData("""{"eni_ops": {"cap": "2h"}}""", "$.backoff_override.eni_ops.cap", true)]
    [InlineData("""{"eni_ops": 5}""", "$.backoff_override.eni_ops", true)]
    [InlineData("[]", "$.backoff_override", true)]
    [InlineData("""{"eni_ops": {"durations": "1s"}}""", "$.backoff_override.eni_ops.durations", false)]
    [InlineData("""{"eni_opz": {}}""", "$.backoff_override.eni_opz", false)]
    [InlineData("""{"wait_podeni_status": {"duration": "1s"}}""", "$.backoff_override.wait_podeni_status", false)]
    public void Read_bad_value_is_an_error_and_an_unknown_key_a_warning(string json, string path, bool fatal)
    {
        var problem = Assert.Single(Read(json).Problems);

        Assert.Equal(path, problem.Path);
        Assert.Equal(fatal, problem.Fatal);
        Assert.NotEmpty(problem.Fix);
    }

    [Fact]
    public void After_grows_until_its_steps_or_its_cap_are_reached()
    {
        var shape = new BackoffShape(TimeSpan.FromSeconds(1), 3, 0, 2, TimeSpan.FromSeconds(20));
        Assert.Equal([1, 3, 9, 9], Enumerable.Range(0, 4).Select(n => shape.After(n).TotalSeconds));
        Assert.Equal([1, 3, 9, 20, 20], Enumerable.Range(0, 5).Select(n => (shape with { Steps = 9 }).After(n).TotalSeconds));
        Assert.Equal(20, (shape with { Steps = 1000 }).After(int.MaxValue).TotalSeconds);
    }

    [Fact]
    public void Fail_takes_the_shape_of_what_failed()
    {
        var one = Shape(1);
        var overrides = new BackoffOverrides { Default = one, Create = Shape(2), Addresses = Shape(3), Attach = Shape(4), Release = Shape(5) };
        var clock = new PoolClock(new ManualTime());
        var pool = new AddressPool(clock, new PoolSettings(), new NodeCapacity(3, 10, 1, null, ""), [System.Net.Sockets.AddressFamily.InterNetwork], () => { })
        {
            AttachableEnis = 3,
        };
        var eni = new PoolEni("eni-1", "m", "v", true, 1);
        pool.AddEni(eni);
        var backoffs = new Backoffs(clock, new BackoffShapes(pool, overrides).Of);
        double Wait(string key) => backoffs.Fail(key, new TimeoutException()).TotalSeconds;

        Assert.Equal(1, Wait(Backoffs.Inventory));
        Assert.Equal(2, Wait(Backoffs.Create));
        eni.State = EniState.Ready;
        Assert.Equal(3, Wait(Backoffs.Eni("eni-1")));
        backoffs.Clear(Backoffs.Eni("eni-1"));
        eni.State = EniState.Attaching;
        Assert.Equal(4, Wait(Backoffs.Eni("eni-1")));
        backoffs.Clear(Backoffs.Eni("eni-1"));
        eni.State = EniState.Deleting;
        Assert.Equal(5, Wait(Backoffs.Eni("eni-1")));

        static BackoffShape Shape(int seconds) => new(TimeSpan.FromSeconds(seconds), 1, 0, 1, TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Override_decides_how_soon_a_failed_creation_is_tried_again()
    {
        await using var node = await TestNode.CreateAsync(
            """
            {"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}, "backoff_override": {"eni_create": {"duration": "15s", "factor": 1, "jitter": 0}}}
            """);
        node.Faults.Add(new FaultRule { Kind = FaultKind.Error, Api = "CreateNetworkInterface", Code = "Operation.Conflict", Status = 409, Next = 1 });
        await node.StartAsync();
        var begun = node.Time.GetUtcNow();

        await node.RunAsync(node.AllocateAsync());

        Assert.InRange(node.Time.GetUtcNow() - begun, TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(17));
        Assert.Equal(2, node.Cloud.Calls.Count(c => c == "CreateNetworkInterface"));
    }

    private static (BackoffOverrides Overrides, IReadOnlyList<SettingProblem> Problems) Read(string json)
    {
        using var document = JsonDocument.Parse($$"""{"backoff_override": {{json}}}""");
        var problems = new List<SettingProblem>();
        return (BackoffOverrides.Read(new JsonSettings(document.RootElement, "$", problems)), problems);
    }
}
