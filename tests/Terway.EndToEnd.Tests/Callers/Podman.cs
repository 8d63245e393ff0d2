using System.Net;
using System.Text.Json.Nodes;
using Terway.EndToEnd.Tests.Fixtures;
using Terway.Lab.Nodes;
using Terway.Linux.Namespaces;

namespace Terway.EndToEnd.Tests.Callers;

/// <summary>podman with its CNI backend on one node. Its storage and settings are its own; networks are those of the node's CNI folder.</summary>
internal sealed class Podman : IAsyncDisposable
{
    private readonly RuntimeHost _host;
    private readonly string _folder;
    private readonly Dictionary<string, string> _environment;
    private readonly List<string> _netNsPaths = [];

    private Podman(RuntimeHost host, string folder)
    {
        _host = host;
        _folder = folder;
        _environment = new() { ["CONTAINERS_CONF"] = Path.Combine(folder, "containers.conf") };
    }

    /// <param name="folder">for storage; below it nothing is kept</param>
    /// <param name="binaryFolders">where CNI plugins are</param>
    public static async Task<Podman> StartAsync(LabNode node, string folder, IReadOnlyList<string> binaryFolders, CancellationToken ct)
    {
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(
            Path.Combine(folder, "containers.conf"),
            $"""
            [engine]
            cgroup_manager = "cgroupfs"
            events_logger = "none"
            runtime = "runc"

            [network]
            network_backend = "cni"
            cni_plugin_dirs = [{string.Join(", ", binaryFolders.Select(static f => $"\"{f}\""))}]
            network_config_dir = "{node.Paths.CniConf}"

            """,
            ct);
        var podman = new Podman(await RuntimeHost.StartAsync(node, Path.Combine(folder, "shared"), ct), folder);
        try
        {
            var archive = Path.Combine(folder, "image.tar");
            ContainerImage.Write(archive);
            await podman.RunAsync(["load", "--quiet", "--input", archive], ct);
            return podman;
        }
        catch
        {
            await podman.DisposeAsync();
            throw;
        }
    }

    /// <summary>Names of the networks that podman found in the node's CNI folder, besides its built-in one.</summary>
    public async Task<IReadOnlyList<string>> NetworksAsync(CancellationToken ct) =>
        [.. (await RunAsync(["network", "ls", "--format", "{{.Name}}"], ct)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(static name => name != "podman")];

    /// <summary>Starts a web server that answers with <paramref name="name"/>.</summary>
    public async Task<PodmanContainer> RunWebServerAsync(string name, string network, CancellationToken ct)
    {
        // The limits: without CAP_SYS_RESOURCE a container can have what this process has, not podman's defaults.
        await RunAsync(
            [
                "run", "--detach", "--name", name, "--hostname", name, "--network", network, "--pull", "never",
                "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000", "--oom-score-adj", "0", "--cgroup-parent", _host.CgroupParent,
                ContainerImage.Name, .. ContainerImage.WebServer,
            ],
            ct);
        var facts = JsonNode.Parse(await RunAsync(["container", "inspect", name], ct))![0]!["NetworkSettings"]!;
        var netns = facts["SandboxKey"]!.GetValue<string>();
        _netNsPaths.Add(netns);
        var addresses = facts["Networks"]![network]!;
        return new PodmanContainer(name, IPAddress.Parse(addresses["IPAddress"]!.GetValue<string>()), netns)
        {
            Ipv6 = addresses["GlobalIPv6Address"]!.GetValue<string>() is { Length: > 0 } ipv6 ? IPAddress.Parse(ipv6) : null,
        };
    }

    /// <summary>Runs a program in a container.</summary>
    /// <returns>What it printed.</returns>
    public Task<string> ExecAsync(PodmanContainer container, IReadOnlyList<string> command, CancellationToken ct) =>
        RunAsync(["exec", container.Name, .. command], ct);

    /// <summary>Waits until podman knows that the container's processes ended.</summary>
    public Task WaitEndedAsync(PodmanContainer container, CancellationToken ct) => RunAsync(["wait", container.Name], ct);

    public Task RemoveAsync(PodmanContainer container, CancellationToken ct) => RunAsync(["rm", "--force", "--time", "0", container.Name], ct);

    public async ValueTask DisposeAsync()
    {
        using (var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30)))
        {
            try
            {
                await RunAsync(["rm", "--force", "--all", "--time", "0"], limit.Token);
            }
            catch (Exception e) when (e is InvalidOperationException or OperationCanceledException)
            {
                // The test that left the container has the reason; what follows ends it in any case.
                TestContext.Current.SendDiagnosticMessage($"podman rm --all: {e.Message}");
            }
        }

        await _host.DisposeAsync();
        foreach (var path in _netNsPaths)
            NamedNetNs.Delete(Path.GetFileName(path));
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<string> RunAsync(IReadOnlyList<string> arguments, CancellationToken ct)
    {
        string[] storage =
        [
            "--root", Path.Combine(_folder, "root"), "--runroot", Path.Combine(_folder, "run"), "--tmpdir", Path.Combine(_folder, "tmp"), "--storage-driver", "vfs",
        ];
        var result = await _host.RunAsync("podman", [.. storage, .. arguments], ct, _environment);
        result.ThrowIfFailed($"podman {string.Join(' ', arguments)}");
        return result.Output;
    }
}

/// <param name="NetNsPath">below /run/netns</param>
internal sealed record PodmanContainer(string Name, IPAddress Address, string NetNsPath)
{
    public IPAddress? Ipv6 { get; init; }
}
