using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Terway.Lab.Nodes;

namespace Terway.Lab.Runtime;

/// <summary>
/// The CNI side of a container runtime on one node: executes plugins in the node's namespace with the environment, the input and the order
/// that libcni uses, and remembers results for CHECK and DEL. Thread safe for different attachments.
/// </summary>
/// <param name="nodeNetNsPath">the namespace that plugins run in</param>
/// <param name="binaryFolders">CNI_PATH</param>
/// <param name="cacheFolder">where results are kept</param>
public sealed class CniRuntime(string nodeNetNsPath, IReadOnlyList<string> binaryFolders, string cacheFolder)
{
    /// <summary>CNI_PATH.</summary>
    public IReadOnlyList<string> BinaryFolders { get; } = binaryFolders;

    private static readonly Version s_prevResultInDel = new(0, 4, 0);
    private static readonly Version s_statusAndGc = new(1, 1, 0);

    /// <returns>The last plugin's result.</returns>
    /// <exception cref="CniCallException">A plugin failed; the plugins before it are not undone: a runtime calls DEL.</exception>
    public async Task<JsonObject> AddAsync(CniConfigList network, CniAttachment attachment, CancellationToken ct)
    {
        JsonNode? result = null;
        foreach (var plugin in network.Plugins)
            result = await CallAsync("ADD", network, plugin, attachment, result, ct);
        var final = result as JsonObject
            ?? throw new CniCallException(network.Name, "ADD", 0, "the last plugin printed no result", null);
        Remember(network, attachment, final);
        return final;
    }

    /// <summary>The addresses of a result, in its order; none when it has none.</summary>
    public static IReadOnlyList<IPAddress> AddressesOf(JsonObject result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return [.. (result["ips"]?.AsArray() ?? []).Select(static ip => IPAddress.Parse(ip!["address"]!.GetValue<string>().Split('/')[0]))];
    }

    /// <summary>As libcni: nothing for lists with disableCheck and before version 0.4.0.</summary>
    public async Task CheckAsync(CniConfigList network, CniAttachment attachment, CancellationToken ct)
    {
        if (network.DisableCheck)
            return;
        var result = Recall(network, attachment)
            ?? throw new CniCallException(network.Name, "CHECK", 0, $"there is no result of an ADD for {attachment.Pod.ContainerId}", null);
        foreach (var plugin in network.Plugins)
            await CallAsync("CHECK", network, plugin, attachment, result, ct);
    }

    /// <summary>Plugins in reverse order with the remembered result; without one too, as after a crash of the runtime.</summary>
    public async Task DeleteAsync(CniConfigList network, CniAttachment attachment, CancellationToken ct)
    {
        var result = VersionOf(network) >= s_prevResultInDel ? Recall(network, attachment) : null;
        foreach (var plugin in network.Plugins.Reverse())
            await CallAsync("DEL", network, plugin, attachment, result, ct);
        var cached = CacheFile(network, attachment);
        if (File.Exists(cached))
            File.Delete(cached);
    }

    /// <summary>Nothing before version 1.1.0.</summary>
    /// <exception cref="CniCallException">A plugin cannot serve; code 50 and 51 are the specification's.</exception>
    public async Task StatusAsync(CniConfigList network, CancellationToken ct)
    {
        if (VersionOf(network) < s_statusAndGc)
            return;
        foreach (var plugin in network.Plugins)
            await CallAsync("STATUS", network, plugin, null, null, ct);
    }

    /// <summary>Tells every plugin what is still in use. Nothing before version 1.1.0.</summary>
    public async Task CollectGarbageAsync(CniConfigList network, IEnumerable<CniAttachment> valid, CancellationToken ct)
    {
        if (VersionOf(network) < s_statusAndGc)
            return;
        var attachments = valid
            .Select(static a => (JsonNode)new JsonObject { ["containerID"] = a.Pod.ContainerId, ["ifname"] = a.IfName })
            .ToArray();
        foreach (var plugin in network.Plugins)
        {
            var extended = plugin.DeepClone().AsObject();
            extended["cni.dev/valid-attachments"] = new JsonArray([.. attachments.Select(static a => a.DeepClone())]);
            await CallAsync("GC", network, extended, null, null, ct);
        }
    }

    /// <summary>Versions that a plugin says it supports.</summary>
    public async Task<IReadOnlyList<string>> VersionsAsync(string plugin, CancellationToken ct)
    {
        var answer = await ExecuteAsync("VERSION", plugin, null, """{"cniVersion":"1.1.0"}""", ct);
        return [.. (answer?["supportedVersions"]?.AsArray() ?? []).Select(static v => v!.GetValue<string>())];
    }

    private static Version VersionOf(CniConfigList network) => Version.Parse(network.CniVersion);

    private async Task<JsonNode?> CallAsync(
        string command, CniConfigList network, JsonObject plugin, CniAttachment? attachment, JsonNode? prevResult, CancellationToken ct)
    {
        var input = plugin.DeepClone().AsObject();
        input["name"] = network.Name;
        input["cniVersion"] = network.CniVersion;
        if (RuntimeConfig(plugin, attachment) is { } runtimeConfig)
            input["runtimeConfig"] = runtimeConfig;
        if (prevResult is not null)
            input["prevResult"] = prevResult.DeepClone();
        return await ExecuteAsync(command, plugin["type"]!.GetValue<string>(), attachment, input.ToJsonString(), ct);
    }

    private static JsonObject? RuntimeConfig(JsonObject plugin, CniAttachment? attachment)
    {
        if (attachment?.CapabilityArgs is not { } args || plugin["capabilities"] is not JsonObject capabilities)
            return null;
        var config = new JsonObject();
        foreach (var (name, value) in args)
        {
            if (value is not null && capabilities[name]?.GetValueKind() == JsonValueKind.True)
                config[name] = value.DeepClone();
        }

        return config.Count == 0 ? null : config;
    }

    private async Task<JsonNode?> ExecuteAsync(string command, string plugin, CniAttachment? attachment, string input, CancellationToken ct)
    {
        var binary = BinaryFolders.Select(folder => Path.Combine(folder, plugin)).FirstOrDefault(File.Exists)
            ?? throw new CniCallException(plugin, command, 0, $"no such plugin in {string.Join(", ", BinaryFolders)}", null);
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["CNI_COMMAND"] = command,
            ["CNI_PATH"] = string.Join(':', BinaryFolders),
        };
        if (attachment is not null)
        {
            environment["CNI_CONTAINERID"] = attachment.Pod.ContainerId;
            environment["CNI_NETNS"] = attachment.NetNsPath;
            environment["CNI_IFNAME"] = attachment.IfName;
            environment["CNI_ARGS"] = attachment.Args;
        }

        var result = await NamespaceCommand.RunAsync(nodeNetNsPath, binary, [], environment, input, ct);
        var output = ParseOrNull(result.Output);
        if (result.ExitCode == 0)
        {
            return output is not null || string.IsNullOrWhiteSpace(result.Output)
                ? output
                : throw new CniCallException(plugin, command, 0, $"printed something that is not JSON: {result.Output.Trim()}", result.Error);
        }

        throw output is JsonObject error && error["code"] is { } code
            ? new CniCallException(plugin, command, code.GetValue<int>(), error["msg"]?.GetValue<string>() ?? "", error["details"]?.GetValue<string>())
            : new CniCallException(plugin, command, 0, $"ended with {result.ExitCode} without an error object: {result.Output.Trim()}", result.Error.Trim());
    }

    private static JsonNode? ParseOrNull(string text)
    {
        try
        {
            return string.IsNullOrWhiteSpace(text) ? null : JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private string CacheFile(CniConfigList network, CniAttachment attachment) =>
        Path.Combine(cacheFolder, "results", $"{network.Name}-{attachment.Pod.ContainerId}-{attachment.IfName}");

    private void Remember(CniConfigList network, CniAttachment attachment, JsonObject result)
    {
        var file = CacheFile(network, attachment);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, new JsonObject
        {
            ["kind"] = "cniCacheV1",
            ["containerId"] = attachment.Pod.ContainerId,
            ["config"] = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(network.Json)),
            ["ifName"] = attachment.IfName,
            ["networkName"] = network.Name,
            ["result"] = result.DeepClone(),
        }.ToJsonString());
    }

    private JsonNode? Recall(CniConfigList network, CniAttachment attachment)
    {
        var file = CacheFile(network, attachment);
        return File.Exists(file) ? JsonNode.Parse(File.ReadAllText(file))?["result"] : null;
    }
}
