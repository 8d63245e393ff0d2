using Terway.Lab.Cloud.Faults;
using Terway.Lab.Config;

namespace Terway.Lab.Tests.Cloud;

public sealed class FaultScenarioTests
{
    private const string Bad = """
        for: 10s
        steps:
        - at: 5s
          add:
          - {kind: unreachable, api: "*", id: down}
          - kind: latency
            api: AttachNetworkInterface
            latencyMs: soon
        - at: 3s
          add: {kind: explode}
          clear: [up]
        - at: 1h
          ad: {kind: unreachable}
        - add: {kind: unreachable, id: down}
        """;

    [Fact]
    public void Parse_reads_yaml_and_json_alike()
    {
        var yaml = FaultScenarioReader.Parse("""
            for: 2m
            steps:
            - at: 0s
              add: {kind: unreachable, id: down}
            - at: 1.5s
              clear: down
              add:
              - {kind: clock-skew, skewMs: -1200000, probability: 0.5, seed: 7}
              - {kind: error, api: DescribeVSwitches, code: "503", calls: [1, 2]}
            - at: 90s
              clear: all
            """);
        var json = FaultScenarioReader.Parse("""
            {"for": "2m", "steps": [
              {"at": "0s", "add": {"kind": "unreachable", "id": "down"}},
              {"at": "1.5s", "clear": ["down"], "add": [
                {"kind": "clock-skew", "skewMs": -1200000, "probability": 0.5, "seed": 7},
                {"kind": "error", "api": "DescribeVSwitches", "code": "503", "calls": [1, 2]}]},
              {"at": "90s", "clear": "all"}]}
            """, "s.json");

        Assert.Equal(TimeSpan.FromMinutes(2), yaml.Length);
        Assert.Equal([0, 1.5, 90], yaml.Steps.Select(static s => s.At.TotalSeconds));
        Assert.Equal([3, 5, 10], yaml.Steps.Select(static s => s.Line));
        Assert.Equal(new FaultRule { Kind = FaultKind.ClockSkew, SkewMs = -1_200_000, Probability = 0.5, Seed = 7 }, yaml.Steps[1].Add[0]);
        Assert.Equal("503", yaml.Steps[1].Add[1].Code);
        Assert.Equal([1, 2], yaml.Steps[1].Add[1].Calls);
        Assert.Equal(["down"], yaml.Steps[1].Clear);
        Assert.True(yaml.Steps[2].ClearAll);
        Assert.Equal(
            yaml.Steps.SelectMany(static s => s.Add).Select(FaultJson.Format), json.Steps.SelectMany(static s => s.Add).Select(FaultJson.Format));
    }

    [Fact]
    public void Parse_tells_every_mistake_with_its_line()
    {
        var error = Assert.Throws<LabConfigException>(() => FaultScenarioReader.Parse(Bad, "bad.yaml"));

        Assert.StartsWith("bad.yaml has ", error.Message, StringComparison.Ordinal);
        foreach (var (path, line, mentions) in ((string, int, string)[])
        [
            ("steps[0].add[1].latencyMs", 8, "right type"),
            ("steps[1].add.kind", 10, "clock-skew"),
            ("steps[1].clear", 11, "'up'"),
            ("steps[1].at", 9, "earlier"),
            ("steps[2].ad", 13, "unknown"),
            ("steps[2]", 12, "does nothing"),
            ("steps[3].at", 14, "missing"),
            ("steps[3].add.id", 14, "in force already"),
        ])
        {
            Assert.True(
                error.Problems.Any(p => p.Path == path && p.Line == line && p.ToString().Contains(mentions, StringComparison.Ordinal)),
                $"no problem {path} in line {line} that says '{mentions}': {error.Message}");
        }
    }

    [Theory]
    [InlineData("steps: []", "has no step")]
    [InlineData("", "not one mapping")]
    [InlineData("steps: [", "neither valid YAML nor JSON")]
    [InlineData("{steps: [{at: 3h, add: {kind: unreachable}}]}", "lasts")]
    [InlineData("{for: 1s, steps: [{at: 3s, add: {kind: unreachable}}]}", "before the last step")]
    [InlineData("{steps: [{at: 3, add: {kind: unreachable}}]}", "not a duration")]
    [InlineData("{steps: [{at: 3s, add: down}]}", "not a rule")]
    [InlineData("{steps: [{at: 3s, add: {kind: unreachable}}], color: red}", "unknown")]
    public void Parse_refuses_what_is_no_scenario(string text, string mentions) =>
        Assert.Contains(mentions, Assert.Throws<LabConfigException>(() => FaultScenarioReader.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Play_adds_and_clears_by_the_clock_and_leaves_nothing()
    {
        var (time, plan) = (new ManualTime(), new PlanTarget());
        var foreign = plan.Plan.Add(new FaultRule { Kind = FaultKind.Throttle });
        var scenario = FaultScenarioReader.Parse("""
            for: 60s
            steps:
            - {at: 0s, add: {kind: unreachable, id: down}}
            - {at: 10s, clear: down, add: [{kind: black-hole}, {kind: attach-rollback}]}
            - {at: 30s, clear: all, add: {kind: lost-answer}}
            """);
        await using var told = new StringWriter();

        var playing = new FaultScenarioPlayer(plan, time, told).PlayAsync(scenario, TestContext.Current.CancellationToken);

        Assert.Equal([FaultKind.Throttle, FaultKind.Unreachable], plan.Kinds);
        time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.Equal([FaultKind.Throttle, FaultKind.Unreachable], plan.Kinds);
        await StepAsync(time, 0.1, () => plan.Kinds.Length == 3);
        Assert.Equal([FaultKind.Throttle, FaultKind.BlackHole, FaultKind.AttachRollback], plan.Kinds);
        await StepAsync(time, 20, () => plan.Kinds.Length == 2);
        Assert.Equal([FaultKind.Throttle, FaultKind.LostAnswer], plan.Kinds);
        time.Advance(TimeSpan.FromSeconds(29.9));
        Assert.False(playing.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(0.1));
        await playing;
        Assert.Equal([foreign.Id], plan.Plan.List().Select(static s => s.Rule.Id));
        Assert.Contains("0 s  added down: unreachable *", told.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Play_ended_early_leaves_nothing()
    {
        var (time, plan) = (new ManualTime(), new PlanTarget());
        using var stop = new CancellationTokenSource();
        var playing = new FaultScenarioPlayer(plan, time, TextWriter.Null)
            .PlayAsync(FaultScenarioReader.Parse("{for: 60s, steps: [{at: 0s, add: [{kind: unreachable}, {kind: black-hole}]}]}"), stop.Token);
        Assert.Equal(2, plan.Kinds.Length);

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => playing);
        Assert.Empty(plan.Kinds);
    }

    [Fact]
    public async Task Play_what_the_region_refuses_is_told_with_file_and_line()
    {
        var plan = new PlanTarget();
        plan.Plan.Add(new FaultRule { Kind = FaultKind.Throttle, Id = "mine" });

        var error = await Assert.ThrowsAsync<FaultException>(() => new FaultScenarioPlayer(plan, new ManualTime(), TextWriter.Null)
            .PlayAsync(FaultScenarioReader.Parse("steps:\n- {at: 0s, add: [{kind: unreachable}, {kind: unreachable, id: mine}]}", "s.yaml"), TestContext.Current.CancellationToken));

        Assert.StartsWith("s.yaml:2: id: a fault 'mine' exists already", error.Message, StringComparison.Ordinal);
        Assert.Equal([FaultKind.Throttle], plan.Kinds);
    }

    // The player goes on from the timer on a thread of its own.
    private static async Task StepAsync(ManualTime time, double seconds, Func<bool> until)
    {
        time.Advance(TimeSpan.FromSeconds(seconds));
        while (!until())
            await Task.Delay(1, TestContext.Current.CancellationToken);
    }

    private sealed class PlanTarget : IFaultTarget
    {
        public FaultPlan Plan { get; } = new();

        public FaultKind[] Kinds => [.. Plan.List().Select(static s => s.Rule.Kind)];

        public Task<string> AddAsync(FaultRule rule, CancellationToken ct) => Task.FromResult(Plan.Add(rule).Id);

        public Task RemoveAsync(string id, CancellationToken ct)
        {
            Plan.Remove(id);
            return Task.CompletedTask;
        }
    }
}
