using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Terway.Configuration.Plugins.Manifests;
using Terway.Configuration.Plugins.Resolution;
using Terway.Configuration.Validation;

namespace Terway.Configuration.Tests;

/// <summary>
/// An upstream cluster's ConfigMap <c>eni-config</c> as it is mounted, with a node's labels and, where its label <c>terway-config</c> names one, the
/// node's own configuration; and what comes of it.
/// </summary>
internal sealed class GoldenShape(string folder)
{
    public const string Expected = "expected.json";
    private const string Labels = "node-labels";
    private const string Overlay = "node.eni_conf";
    private static readonly string[] s_needed = ["eni_conf", UpstreamConfigMap.CniConfKey, Labels];
    private static readonly string[] s_optional = [UpstreamConfigMap.CniConfListKey, UpstreamConfigMap.DisablePolicyKey, Overlay, Expected];
    private static readonly JsonSerializerOptions s_format = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Files that must be there and are not, and files that nothing reads.</summary>
    public IReadOnlyList<string> Problems()
    {
        string[] there = [.. Directory.EnumerateFiles(folder).Select(static f => Path.GetFileName(f))];
        var needsOverlay = there.Contains(Labels) && ReadLabels().ContainsKey("terway-config");
        return
        [
            .. s_needed.Append(Expected).Concat(needsOverlay ? [Overlay] : []).Except(there).Select(static f => $"{f} is missing"),
            .. there.Except(s_needed).Except(s_optional).Select(static f => $"nothing reads {f}"),
            .. !needsOverlay && there.Contains(Overlay) ? [$"{Overlay} belongs to a node with the label terway-config"] : Array.Empty<string>(),
        ];
    }

    public string ExpectedText() => File.ReadAllText(Path.Combine(folder, Expected));

    /// <summary>As the daemon reads it.</summary>
    public NodePoolConfig Read()
    {
        var (conf, overlay) = (Path.Combine(folder, "eni_conf"), Path.Combine(folder, Overlay));
        var map = UpstreamConfigMap.Beside(conf);
        Assert.NotNull(map);
        return File.Exists(overlay)
            ? NodePoolConfig.Parse(File.ReadAllBytes(conf), "eni_conf", File.ReadAllBytes(overlay), Overlay, ReadLabels(), map)
            : NodePoolConfig.Parse(File.ReadAllBytes(conf), "eni_conf", ReadLabels(), map);
    }

    /// <summary>Plugins with what asked for them and the settings that they read, and all findings.</summary>
    public string Translate(PluginCatalog catalog)
    {
        var config = Read();
        var node = new NodeEnvironment(new Version(6, 1), NodeEnvironment.KnownCapabilities.ToHashSet(StringComparer.Ordinal));
        var resolution = PluginResolver.Resolve(ConfigPlugins.Requests(config, []), catalog, node, HostContract.Current);
        var findings = ConfigValidator.Validate(config, new ValidationContext { Catalog = catalog, Node = node });
        return new JsonObject
        {
            ["plugins"] = new JsonArray([.. resolution.Plugins.Select(p => new JsonObject
            {
                ["name"] = p.Manifest.Name,
                ["version"] = p.Manifest.Version.ToNormalizedString(),
                ["why"] = p.Why,
                ["settings"] = SettingsOf(p, config),
            })]),
            ["findings"] = new JsonArray([.. findings.Select(static f => new JsonObject
            {
                ["severity"] = f.Finding.Severity.ToString(),
                ["source"] = f.Source,
                ["path"] = f.Path,
                ["reason"] = f.Finding.Reason,
                ["fix"] = f.Finding.Fix,
            })]),
        }.ToJsonString(s_format) + "\n";
    }

    private static JsonObject SettingsOf(ResolvedPlugin plugin, NodePoolConfig config)
    {
        var settings = EffectiveSettings.Merge(config.Root, plugin.Request?.Settings);
        return new JsonObject(settings.EnumerateObject().Where(m => plugin.Manifest.Settings.Properties.ContainsKey(m.Name))
            .OrderBy(static m => m.Name, StringComparer.Ordinal).Select(static m => KeyValuePair.Create(m.Name, JsonNode.Parse(m.Value.GetRawText()))));
    }

    private Dictionary<string, string> ReadLabels()
    {
        var labels = LabelText.Parse(File.ReadAllText(Path.Combine(folder, Labels)).ReplaceLineEndings(","), out var problem);
        Assert.Null(problem);
        return labels;
    }
}
