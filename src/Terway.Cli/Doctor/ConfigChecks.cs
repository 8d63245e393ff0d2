using Terway.AlibabaCloud.Network;
using Terway.Cli.Commands;
using Terway.Configuration;
using Terway.Configuration.Plugins.Manifests;
using Terway.Configuration.Plugins.Resolution;
using Terway.Configuration.Validation;
using Terway.Plugin;

namespace Terway.Cli.Doctor;

/// <summary>The configuration on this node, and the plugins it asks for.</summary>
internal static class ConfigChecks
{
    /// <summary>Whether the configuration asks for a plugin; one that cannot be read asks for none.</summary>
    public static bool AsksFor(NodePaths paths, string plugin)
    {
        try
        {
            return ConfigFiles.Read(paths.ConfigFile, null).Plugins.Any(p => p.Name == plugin);
        }
        catch (CannotTellException)
        {
            return false;
        }
    }

    public static IEnumerable<Check> Run(NodePaths paths, string? instanceType, string kernelRelease)
    {
        NodePoolConfig config;
        string? unreadable = null;
        try
        {
            config = ConfigFiles.Read(paths.ConfigFile, null);
        }
        catch (CannotTellException e)
        {
            unreadable = e.Message;
            config = NodePoolConfig.Unreadable(paths.ConfigFile, e.Message);
        }

        if (unreadable is not null)
        {
            yield return Check.Fail("configuration", unreadable, "mount ConfigMap eni-config there, or name the file with --config");
            yield break;
        }

        var catalog = PluginCatalog.Discover(paths.PluginDir);
        foreach (var rejected in catalog.Rejected)
            yield return Check.Warn($"plugin folder {Path.Combine(rejected.Name, rejected.Version)}".TrimEnd(), string.Join("; ", rejected.Reasons), $"correct it in {paths.PluginDir}, or remove it");
        var findings = ConfigValidator.Validate(config, new ValidationContext
        {
            Catalog = catalog,
            InstanceType = instanceType is null ? null : InstanceTypeTable.Find(instanceType),
            Node = new NodeEnvironment(NodeEnvironment.ParseKernel(kernelRelease), NodeEnvironment.KnownCapabilities.ToHashSet(StringComparer.Ordinal)),
        });
        var any = false;
        foreach (var finding in findings.Where(static f => f.Finding.Severity != FindingSeverity.Info))
        {
            any = true;
            yield return new Check(
                $"configuration {finding.Path}", finding.Finding.Severity == FindingSeverity.Error ? CheckResult.Fail : CheckResult.Warn, finding.Finding.Reason, finding.Finding.Fix);
        }

        if (!any) yield return Check.Ok("configuration", $"{paths.ConfigFile} is valid");
    }
}
