using System.Text.Json.Nodes;
using Terway.Configuration.Plugins.Manifests;

namespace Terway.Host.Tests.Plugins;

/// <summary>A plugin folder of one test, filled from the test plugins that were built beside this project.</summary>
internal sealed class PluginFolder : IDisposable
{
    private const UnixFileMode Trusted = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    public PluginFolder(params ReadOnlySpan<string> plugins)
    {
        Root = Directory.CreateTempSubdirectory("twt-plugins-").FullName;
        File.SetUnixFileMode(Root, Trusted);
        foreach (var plugin in plugins)
            Add(plugin);
    }

    public string Root { get; }

    private static string Built => Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "testplugins"));

    public PluginCatalog Discover() => PluginCatalog.Discover(Root);

    /// <summary>Copies a built plugin, given as <c>Name</c> or <c>Name/Version</c>, and returns its folder.</summary>
    public string Add(string plugin, string? asPlugin = null)
    {
        plugin = plugin.Contains('/') ? plugin : $"{plugin}/1.0.0";
        var source = Path.Combine(Built, plugin);
        var target = Path.Combine(Root, asPlugin ?? plugin);
        MakeFolder(target);
        foreach (var file in Directory.GetFiles(source))
        {
            var copy = Path.Combine(target, Path.GetFileName(file));
            File.Copy(file, copy);
            File.SetUnixFileMode(copy, Trusted);
        }
        return target;
    }

    /// <summary>Makes a plugin folder that holds only a manifest.</summary>
    public string AddManifest(string plugin, string json)
    {
        var target = Path.Combine(Root, plugin);
        MakeFolder(target);
        Write(Path.Combine(target, "plugin.json"), json);
        return target;
    }

    public void EditManifest(string plugin, Action<JsonObject> edit)
    {
        var path = Path.Combine(Root, plugin, "plugin.json");
        var manifest = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        edit(manifest);
        Write(path, manifest.ToJsonString());
    }

    public static void Write(string path, string content)
    {
        File.WriteAllText(path, content);
        File.SetUnixFileMode(path, Trusted);
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private void MakeFolder(string folder)
    {
        Directory.CreateDirectory(folder);
        for (var current = folder; current.Length > Root.Length; current = Path.GetDirectoryName(current)!)
            File.SetUnixFileMode(current, Trusted);
    }
}
