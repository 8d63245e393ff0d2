using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Terway.Lab.Config;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Terway.Lab.Cloud.Faults;

/// <summary>Reads a scenario; YAML, and JSON as the part of YAML that it is.</summary>
public static class FaultScenarioReader
{
    public const int MaxSteps = 1000;
    public static readonly TimeSpan MaxLength = TimeSpan.FromHours(2);

    /// <exception cref="LabConfigException">With every problem found, each with its line.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static FaultScenario ReadFile(string path) => Parse(File.ReadAllText(path), path);

    /// <param name="source">What to call the text in messages.</param>
    /// <exception cref="LabConfigException">With every problem found, each with its line.</exception>
    public static FaultScenario Parse(string text, string source = "scenario.yaml")
    {
        var problems = new List<ConfigProblem>();
        var scenario = Load(text, problems) is { } root ? Read(source, root, problems) : null;
        return scenario is not null && problems.Count == 0 ? scenario : throw new LabConfigException(source, [.. problems]);
    }

    private static YamlMappingNode? Load(string text, List<ConfigProblem> problems)
    {
        var stream = new YamlStream();
        try
        {
            using var reader = new StringReader(text);
            stream.Load(reader);
        }
        catch (YamlException e)
        {
            problems.Add(new ConfigProblem("(file)", (int)e.Start.Line, $"is neither valid YAML nor JSON: {e.InnerException?.Message ?? e.Message}", "Correct the syntax"));
            return null;
        }
        if (stream.Documents.Count == 1 && stream.Documents[0].RootNode is YamlMappingNode root)
            return root;
        problems.Add(new ConfigProblem("(file)", 1, "is not one mapping", "Start with 'steps:' and one '- at: 0s' for each step"));
        return null;
    }

    private static FaultScenario Read(string source, YamlMappingNode node, List<ConfigProblem> problems)
    {
        var root = new YamlMap("", node, problems);
        var ids = new HashSet<string>(StringComparer.Ordinal);
        var steps = root.List("steps", step => ReadStep(step, ids, problems), []);
        if (!root.Has("steps") || (steps.IsEmpty && problems.Count == 0))
            root.Problem("steps", "has no step", "Add one, for example '- at: 5s' with 'add:' and 'clear:'");
        if (steps.Length > MaxSteps)
            root.Problem("steps", $"has {steps.Length} steps", $"{MaxSteps} are allowed");
        for (var i = 1; i < steps.Length; i++)
        {
            if (steps[i].At < steps[i - 1].At)
                problems.Add(new ConfigProblem($"steps[{i}].at", steps[i].Line, "is earlier than the step before", "Write the steps in the order of time"));
        }
        var last = steps.IsEmpty ? TimeSpan.Zero : steps[^1].At;
        var length = root.Duration("for", last);
        if (length < last)
            root.Problem("for", $"ends before the last step, at {last}", "Make it longer, or leave it out to end with the last step");
        if (length > MaxLength)
            root.Problem(root.Has("for") ? "for" : "steps", $"lasts {length}", $"A scenario lasts {MaxLength} at most");
        root.Finish();
        return new FaultScenario(source, length, steps);
    }

    private static FaultStep ReadStep(YamlMap step, HashSet<string> ids, List<ConfigProblem> problems)
    {
        if (!step.Has("at"))
            step.Problem("at", "is missing", "Add it, for example 'at: 5s'");
        var at = step.Duration("at", TimeSpan.Zero);
        var (clear, clearAll) = ReadClear(step, ids);
        var add = ImmutableArray.CreateBuilder<FaultRule>();
        foreach (var (path, rule) in Rules(step))
        {
            if (ReadRule(path, rule, problems) is not { } read)
                continue;
            if (read.Id.Length > 0 && !ids.Add(read.Id))
                problems.Add(new ConfigProblem($"{path}.id", LineOf(rule, "id"), $"'{read.Id}' is in force already", "Clear it first or choose another id"));
            add.Add(read);
        }
        if (add.Count == 0 && clear.IsEmpty && !clearAll && !step.Has("add"))
            step.Problem("", "does nothing", "Give it 'add' or 'clear'");
        return new FaultStep(at, step.Line, add.ToImmutable(), clear, clearAll);
    }

    /// <summary>What goes is taken out of <paramref name="ids"/>: only what an earlier step added can be named.</summary>
    private static (ImmutableArray<string> Ids, bool All) ReadClear(YamlMap step, HashSet<string> ids)
    {
        if (step.Node("clear") is YamlScalarNode { Value: "all" })
        {
            ids.Clear();
            return ([], true);
        }
        var named = step.Node("clear") is YamlScalarNode { Value: { Length: > 0 } single } ? [single] : step.Strings("clear", []);
        foreach (var id in named.Where(id => !ids.Remove(id)))
            step.Problem("clear", $"'{id}' is no id that an earlier step added and none cleared", "Give the rule an 'id' where it is added, or write 'clear: all'");
        return (named, false);
    }

    private static IEnumerable<(string Path, YamlMappingNode Rule)> Rules(YamlMap step)
    {
        switch (step.Node("add"))
        {
            case null:
                break;
            case YamlMappingNode single:
                yield return ($"{step.Path}.add", single);
                break;
            case YamlSequenceNode list when list.Children.All(static c => c is YamlMappingNode):
                for (var i = 0; i < list.Children.Count; i++)
                    yield return ($"{step.Path}.add[{i}]", (YamlMappingNode)list.Children[i]);
                break;
            default:
                step.Problem("add", "is not a rule or a list of rules", "Write it as 'add: {kind: unreachable}'");
                break;
        }
    }

    private static FaultRule? ReadRule(string path, YamlMappingNode node, List<ConfigProblem> problems)
    {
        try
        {
            var rule = FaultJson.Parse(ToJson(node));
            FaultChecks.Check(rule);
            return rule;
        }
        catch (FaultException e)
        {
            problems.Add(new ConfigProblem(e.Path.Length == 0 ? path : $"{path}.{e.Path}", LineOf(node, e.Path), e.Reason, "See 'terway-lab faults kinds'"));
            return null;
        }
    }

    private static int LineOf(YamlMappingNode node, string field) =>
        (int)(node.Children.FirstOrDefault(c => c.Key is YamlScalarNode { Value: { } name } && field.Split(", ").Contains(name)).Key ?? node).Start.Line;

    private static string ToJson(YamlNode node)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
            Write(json, node);
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static void Write(Utf8JsonWriter json, YamlNode node)
    {
        switch (node)
        {
            case YamlMappingNode map:
                json.WriteStartObject();
                foreach (var (key, value) in map.Children)
                {
                    json.WritePropertyName((key as YamlScalarNode)?.Value ?? key.ToString());
                    Write(json, value);
                }
                json.WriteEndObject();
                break;
            case YamlSequenceNode list:
                json.WriteStartArray();
                foreach (var value in list.Children)
                    Write(json, value);
                json.WriteEndArray();
                break;
            // A number is a number unless it is quoted.
            case YamlScalarNode { Style: ScalarStyle.Plain, Value: { } text } when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number):
                json.WriteNumberValue(number);
                break;
            case YamlScalarNode { Style: ScalarStyle.Plain, Value: { } text } when double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number):
                json.WriteNumberValue(number);
                break;
            default:
                json.WriteStringValue((node as YamlScalarNode)?.Value ?? "");
                break;
        }
    }
}
