using System.CommandLine;
using Terway.Cli.Output;
using Terway.Configuration;
using Terway.Configuration.Plugins.Manifests;
using Terway.Configuration.Plugins.Resolution;

namespace Terway.Cli.Commands;

/// <summary>A plugin version that a pool would get.</summary>
/// <param name="Name">The plugin.</param>
/// <param name="Version">The version.</param>
/// <param name="Folder">Where it is.</param>
/// <param name="Required">Whether the node serves no pods without it.</param>
/// <param name="Why">The two below as one text.</param>
/// <param name="AskedBy">Who asks for it, with the versions they accept.</param>
/// <param name="PassedOver">Newer versions that were not taken.</param>
internal sealed record ExplainedPlugin(
    string Name, string Version, string Folder, bool Required, string Why, IReadOnlyList<ExplainedDemand> AskedBy, IReadOnlyList<PassedOverVersion> PassedOver)
{
    public static ExplainedPlugin Of(ResolvedPlugin plugin) => new(
        plugin.Manifest.Name, plugin.Manifest.Version.ToNormalizedString(), plugin.Plugin.Folder, plugin.Required, plugin.Why,
        [.. plugin.AskedBy.Select(static d => new ExplainedDemand(d.By, d.Range ?? "*"))], plugin.PassedOver);
}

/// <summary>Who asks for a plugin, and the versions that are accepted; <c>*</c> is any.</summary>
internal sealed record ExplainedDemand(string By, string Versions);

/// <summary>A plugin folder that cannot be used.</summary>
internal sealed record RejectedPlugin(string Name, string Version, IReadOnlyList<string> Reasons);

/// <summary>What a plugin list resolves to.</summary>
internal sealed record ExplainReport(bool Valid, IReadOnlyList<ExplainedPlugin> Plugins, IReadOnlyList<RejectedPlugin> Rejected, IReadOnlyList<FindingRow> Findings);

/// <summary>terway-cli plugins explain: which versions a configuration gets from a plugin folder, and why; without a daemon.</summary>
internal static class ExplainCommand
{
    public static Command Create(Func<ParseResult, CliOutput> output)
    {
        var config = new Argument<string>("config") { Description = "eni_conf as a JSON file" };
        var overlay = new Argument<string?>("overlay") { Description = "a node's own eni_conf, laid over it", Arity = ArgumentArity.ZeroOrOne };
        var folder = NodePathOptions.PluginDir();
        var kernel = new Option<string?>("--kernel") { Description = "kernel release of the nodes; this machine's when not given" };
        var type = new Option<string?>("--instance-type") { Description = "offer plugins only what this type has; everything when not given" };
        var labels = ConfigFiles.NodeLabelsOption();
        var limits = new InstanceTypeOptions();
        var command = new Command("explain", "which plugin versions a configuration gets, and why. Exit code 1: no set of plugins fits; 2: a file cannot be read") { config, overlay, folder, kernel, type, labels };
        limits.AddTo(command);
        command.SetAction(parsed =>
        {
            var capabilities = NodeEnvironment.KnownCapabilities.ToHashSet(StringComparer.Ordinal);
            if (parsed.GetValue(type) is { } name)
            {
                var found = limits.Read(parsed, name);
                if (!found.EniTrunkSupported) capabilities.Remove(nameof(found.EniTrunkSupported));
                if (found.EniIpv6AddressQuantity <= 0) capabilities.Remove("EniIpv6Supported");
            }

            var release = parsed.GetValue(kernel) ?? File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
            return Run(
                ConfigFiles.Read(parsed.GetRequiredValue(config), parsed.GetValue(overlay), parsed.GetValue(labels)), PluginCatalog.Discover(parsed.GetRequiredValue(folder)),
                new NodeEnvironment(NodeEnvironment.ParseKernel(release), capabilities), output(parsed));
        });
        return command;
    }

    public static int Run(NodePoolConfig config, PluginCatalog catalog, NodeEnvironment node, CliOutput output)
    {
        var findings = new List<ConfigFinding>(config.Findings);
        var resolution = PluginResolver.Resolve(ConfigPlugins.Requests(config, findings), catalog, node, HostContract.Current);
        findings.AddRange(resolution.Findings.Select(f => new ConfigFinding(f.Path, f.Finding) { Source = config.Origin?.Of(f.Path) }));
        var valid = !findings.Exists(static f => f.Finding.Severity == Plugin.FindingSeverity.Error);
        var report = new ExplainReport(
            valid,
            [.. resolution.Plugins.Select(ExplainedPlugin.Of)],
            [.. catalog.Rejected.Select(static r => new RejectedPlugin(r.Name, r.Version, r.Reasons))],
            [.. findings.Select(FindingRow.Of)]);
        if (output.IsJson) output.Json(report, CliJson.Readable.ExplainReport);
        else Write(report, catalog.Folder, output);
        return valid ? ExitCode.Ok : ExitCode.Wrong;
    }

    private static void Write(ExplainReport report, string folder, CliOutput output)
    {
        if (report.Plugins.Count > 0)
            output.Table(["plugin", "version", "why", "folder"], [.. report.Plugins.Select(static p => new[] { p.Name, p.Version, p.Why, p.Folder })]);
        else output.Line($"no set of plugins in {folder} fits this configuration");
        foreach (var rejected in report.Rejected) output.Line($"not usable: {Path.Combine(folder, rejected.Name, rejected.Version)}: {string.Join("; ", rejected.Reasons)}");
        if (report.Findings.Count > 0) FindingRow.Write(output, report.Findings);
    }
}
