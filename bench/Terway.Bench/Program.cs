using System.CommandLine;
using System.Text.Json;
using Terway.Bench;
using Terway.Bench.Datapath;

var dist = new Option<string>("--dist") { Description = "folder that ./build.sh made", DefaultValueFactory = static _ => "dist" };
var runs = new Option<int>("--runs") { Description = "ADD and DEL pairs of each", DefaultValueFactory = static _ => 200 };
var burst = new Option<int>("--burst") { Description = "ADDs started at once", DefaultValueFactory = static _ => 100 };
var cni = new Command("cni", "CNI calls as whole processes against ptp + host-local") { dist, runs, burst };
cni.SetAction((parsed, ct) => new CniBench(
    Path.GetFullPath(parsed.GetRequiredValue(dist)), parsed.GetValue(runs), parsed.GetValue(burst)).RunAsync(ct));
var measure = new Command("measure", "the measuring half, started in the node's namespace") { Hidden = true };
measure.SetAction(static _ =>
{
    var job = JsonSerializer.Deserialize(Console.In.ReadToEnd(), BenchJson.Default.MeasureJob)!;
    Console.Out.Write(JsonSerializer.Serialize(new Measure(job).Run(), BenchJson.Default.MeasureTimes));
});
var quick = new Option<bool>("--quick") { Description = "fewer rounds" };
var plot = new Option<string?>("--plot") { Description = "SVG file to write" };
var only = new Option<string[]>("--only") { Description = "comparisons to make, all when not given: " + string.Join(", ", DatapathBench.Names), AllowMultipleArgumentsPerToken = true };
only.Validators.Add(static result =>
{
    foreach (var name in result.Tokens.SelectMany(static t => t.Value.Split(',')).Except(DatapathBench.Names)) result.AddError($"--only {name}: there are {string.Join(", ", DatapathBench.Names)}");
});
var datapath = new Command("datapath", "DataPathV2 against a bare veth pair and the host stack") { dist, quick, plot, only };
datapath.SetAction((parsed, ct) => new DatapathBench(
    Path.GetFullPath(parsed.GetRequiredValue(dist)), parsed.GetValue(quick), parsed.GetValue(plot), [.. (parsed.GetValue(only) ?? []).SelectMany(static o => o.Split(','))]).RunAsync(ct));
return await new RootCommand("Terway.NET benchmarks") { cni, datapath, measure }.Parse(args).InvokeAsync();
