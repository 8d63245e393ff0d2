using System.CommandLine;
using Terway.Cli.Output;
using Terway.Configuration;
using Terway.Configuration.Plugins.Manifests;
using Terway.Configuration.Validation;
using Terway.Plugin;

namespace Terway.Cli.Commands;

/// <summary>Findings about a configuration.</summary>
internal sealed record ValidationReport(bool Valid, IReadOnlyList<FindingRow> Findings);

/// <summary>terway-cli validate: everything wrong with a configuration, by the validator that the daemon uses.</summary>
internal static class ValidateCommand
{
    public static Command Create(Func<ParseResult, CliOutput> output)
    {
        var config = new Argument<string>("config") { Description = "eni_conf as a JSON file" };
        var overlay = new Argument<string?>("overlay") { Description = "a node's own eni_conf, laid over it (RFC 7396)", Arity = ArgumentArity.ZeroOrOne };
        var type = new Option<string?>("--instance-type") { Description = "check that this type is large enough" };
        var nodes = new Option<string[]>("--node-cidr") { Description = "range of nodes or a vSwitch; may be repeated" };
        var pods = new Option<string[]>("--pod-cidr") { Description = "range of pods; may be repeated" };
        var plugins = new Option<string?>("--plugin-dir") { Description = "resolve the plugin list against this folder" };
        var kubernetes = new Option<string?>("--kubernetes-version") { Description = "check that this version of Kubernetes has what is asked for" };
        var controlPlane = new Option<string?>("--control-plane") { Description = "address at which nodes reach the API server" };
        var labels = ConfigFiles.NodeLabelsOption();
        var limits = new InstanceTypeOptions();
        var command = new Command("validate", "everything that is wrong with a configuration. Exit code 1: there is an error; 2: a file cannot be read") { config, overlay, type, nodes, pods, plugins, kubernetes, controlPlane, labels };
        limits.AddTo(command);
        command.SetAction(parsed => Run(
            ConfigFiles.Read(parsed.GetRequiredValue(config), parsed.GetValue(overlay), parsed.GetValue(labels)),
            new ValidationContext
            {
                InstanceType = parsed.GetValue(type) is { } name ? limits.Read(parsed, name) : null,
                Kubernetes = parsed.GetValue(kubernetes) is not { } version ? null : DualStackChecks.ParseKubernetes(version)
                    ?? throw new CannotTellException($"--kubernetes-version: {version} is no version; write it as 1.28 or v1.28.3"),
                ControlPlane = parsed.GetValue(controlPlane) is not { } host ? null : DualStackChecks.ParseControlPlane(host)
                    ?? throw new CannotTellException($"--control-plane: {host} is no address"),
                Networks = [.. Networks("node range", "--node-cidr", parsed.GetValue(nodes)), .. Networks("pod range", "--pod-cidr", parsed.GetValue(pods))],
                Catalog = parsed.GetValue(plugins) is { } folder ? PluginCatalog.Discover(folder) : null,
            },
            output(parsed)));
        return command;
    }

    public static int Run(NodePoolConfig config, ValidationContext context, CliOutput output)
    {
        var findings = ConfigValidator.Validate(config, context);
        var valid = !findings.Any(static f => f.Finding.Severity == FindingSeverity.Error);
        FindingRow[] rows = [.. findings.Select(FindingRow.Of)];
        if (output.IsJson) output.Json(new ValidationReport(valid, rows), CliJson.Readable.ValidationReport);
        else if (rows.Length == 0) output.Line("nothing is wrong");
        else FindingRow.Write(output, rows);
        return valid ? ExitCode.Ok : ExitCode.Wrong;
    }

    private static IEnumerable<NamedNetwork> Networks(string name, string option, string[]? texts)
    {
        foreach (var text in texts ?? [])
        {
            if (!CidrText.TryParse(text, out var network, out var reason, out var fix)) throw new CannotTellException($"{option}: {reason}; {fix}");
            yield return new NamedNetwork(name, network);
        }
    }
}
