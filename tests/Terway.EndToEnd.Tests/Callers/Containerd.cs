using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Google.Protobuf.Collections;
using Grpc.Core;
using Grpc.Net.Client;
using Terway.EndToEnd.Tests.Cri;
using Terway.EndToEnd.Tests.Fixtures;
using Terway.Lab.Nodes;

namespace Terway.EndToEnd.Tests.Callers;

/// <summary>containerd on one node, spoken to as a kubelet does, through its CRI.</summary>
internal sealed class Containerd : IAsyncDisposable
{
    private static readonly TimeSpan s_startLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);
    private readonly RuntimeHost _host;
    private readonly string _folder;
    private readonly Process _daemon;
    private readonly GrpcChannel _channel;
    private readonly RuntimeService.RuntimeServiceClient _cri;

    private Containerd(RuntimeHost host, string folder, Process daemon)
    {
        _host = host;
        _folder = folder;
        _daemon = daemon;
        _channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = HandlerOf(Socket) });
        _cri = new RuntimeService.RuntimeServiceClient(_channel);
    }

    private string Socket => Path.Combine(_folder, "containerd.sock");

    private string LogFile => Path.Combine(_folder, "containerd.log");

    /// <param name="folder">for its state and content; below it nothing is kept</param>
    /// <param name="binaryFolders">where CNI plugins are; this version takes one folder, so it gets one with links to all of them</param>
    public static async Task<Containerd> StartAsync(LabNode node, string folder, IReadOnlyList<string> binaryFolders, CancellationToken ct)
    {
        var binaries = Directory.CreateDirectory(Path.Combine(folder, "cni-bin")).FullName;
        foreach (var plugin in binaryFolders.SelectMany(Directory.EnumerateFiles).DistinctBy(Path.GetFileName))
            File.CreateSymbolicLink(Path.Combine(binaries, Path.GetFileName(plugin)), plugin);
        var config = Path.Combine(folder, "config.toml");
        await File.WriteAllTextAsync(config, Configuration(folder, binaries, node.Paths.CniConf), ct);

        // Where netns_mounts_under_state_dir puts them.
        var host = await RuntimeHost.StartAsync(node, Path.Combine(folder, "state", "io.containerd.grpc.v1.cri", "netns"), ct);
        var containerd = new Containerd(host, folder, host.Start("containerd", ["--config", config], Path.Combine(folder, "containerd.log")));
        try
        {
            await containerd.WaitReadyAsync(ct);
            var archive = Path.Combine(folder, "image.tar");
            ContainerImage.Write(archive);
            var import = await host.RunAsync("ctr", ["--address", containerd.Socket, "--namespace", "k8s.io", "images", "import", archive], ct);
            import.ThrowIfFailed("import the image");
            return containerd;
        }
        catch
        {
            await containerd.DisposeAsync();
            throw;
        }
    }

    /// <summary>A condition that a kubelet takes over into its node's status: RuntimeReady, NetworkReady.</summary>
    public async Task<RuntimeCondition> ConditionAsync(string type, CancellationToken ct)
    {
        var status = await _cri.StatusAsync(new StatusRequest(), cancellationToken: ct);
        return status.Status.Conditions.Single(condition => condition.Type == type);
    }

    /// <summary>Waits until the runtime has seen the network's configuration, as a kubelet does before it starts pods.</summary>
    public async Task WaitNetworkReadyAsync(CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var network = await ConditionAsync("NetworkReady", ct);
            if (network.Status)
                return;
            if (clock.Elapsed > s_startLimit)
                throw new InvalidOperationException($"NetworkReady is false: {network.Reason}: {network.Message}");
            await Task.Delay(s_poll, ct);
        }
    }

    /// <exception cref="RpcException">The sandbox could not be made; containerd has called DEL and removed it.</exception>
    public async Task<CriPod> RunPodAsync(string name, CancellationToken ct, IReadOnlyDictionary<string, string>? annotations = null)
    {
        var config = new PodSandboxConfig
        {
            Metadata = new PodSandboxMetadata { Name = name, Namespace = "default", Uid = Guid.NewGuid().ToString() },
            Hostname = name,
            Linux = new LinuxPodSandboxConfig { CgroupParent = _host.CgroupParent },
            Labels = { { "app", name }, { "io.kubernetes.pod.name", name }, { "io.kubernetes.pod.namespace", "default" } },
        };
        foreach (var (key, value) in annotations ?? new Dictionary<string, string>())
            config.Annotations.Add(key, value);
        var id = (await _cri.RunPodSandboxAsync(new RunPodSandboxRequest { Config = config }, cancellationToken: ct)).PodSandboxId;
        var status = await StatusOfAsync(id, ct);
        var netns = NetNsPathOf(status.Info);
        return new CriPod(id, name, config, IPAddress.Parse(status.Status.Network.Ip), netns)
        {
            Others = [.. status.Status.Network.AdditionalIps.Select(static ip => IPAddress.Parse(ip.Ip))],
        };
    }

    public async Task<PodSandboxStatusResponse> StatusOfAsync(string sandboxId, CancellationToken ct) =>
        await _cri.PodSandboxStatusAsync(new PodSandboxStatusRequest { PodSandboxId = sandboxId, Verbose = true }, cancellationToken: ct);

    /// <summary>Starts a web server in the pod that answers with the pod's name.</summary>
    /// <returns>The container's id.</returns>
    public async Task<string> RunWebServerAsync(CriPod pod, CancellationToken ct)
    {
        var request = new CreateContainerRequest
        {
            PodSandboxId = pod.SandboxId,
            SandboxConfig = pod.Config,
            Config = new ContainerConfig { Metadata = new ContainerMetadata { Name = "web" }, Image = new ImageSpec { Image = ContainerImage.Name } },
        };
        request.Config.Command.AddRange(ContainerImage.WebServer);
        var container = await _cri.CreateContainerAsync(request, cancellationToken: ct);
        await _cri.StartContainerAsync(new StartContainerRequest { ContainerId = container.ContainerId }, cancellationToken: ct);
        return container.ContainerId;
    }

    /// <summary>Runs a program in a container.</summary>
    /// <returns>What it printed.</returns>
    public async Task<string> ExecAsync(string containerId, IEnumerable<string> command, CancellationToken ct)
    {
        var request = new ExecSyncRequest { ContainerId = containerId, Timeout = 10 };
        request.Cmd.AddRange(command);
        var result = await _cri.ExecSyncAsync(request, cancellationToken: ct);
        return result.ExitCode == 0
            ? result.Stdout.ToStringUtf8()
            : throw new InvalidOperationException($"{string.Join(' ', request.Cmd)} ended with {result.ExitCode}: {result.Stderr.ToStringUtf8()}{result.Stdout.ToStringUtf8()}");
    }

    /// <summary>
    /// Waits until containerd has noted that the processes of a pod and of its container ended. Between a process's end and that note, containerd 1.6
    /// answers StopPodSandbox with "ttrpc: closed": it asks a shim that has left. A kubelet comes again then.
    /// </summary>
    public async Task WaitEndedAsync(CriPod pod, string containerId, CancellationToken ct)
    {
        while ((await _cri.ContainerStatusAsync(new ContainerStatusRequest { ContainerId = containerId }, cancellationToken: ct)).Status.State != ContainerState.ContainerExited
            || (await StatusOfAsync(pod.SandboxId, ct)).Status.State != PodSandboxState.SandboxNotready)
            await Task.Delay(20, ct);
    }

    /// <summary>Ends the pod's containers and its network; may be called again.</summary>
    public async Task StopPodAsync(CriPod pod, CancellationToken ct) =>
        await _cri.StopPodSandboxAsync(new StopPodSandboxRequest { PodSandboxId = pod.SandboxId }, cancellationToken: ct);

    public async Task RemovePodAsync(CriPod pod, CancellationToken ct)
    {
        await StopPodAsync(pod, ct);
        await _cri.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = pod.SandboxId }, cancellationToken: ct);
    }

    /// <summary>Names of the pods that it has.</summary>
    public async Task<IReadOnlyList<string>> PodsAsync(CancellationToken ct) =>
        [.. (await _cri.ListPodSandboxAsync(new ListPodSandboxRequest(), cancellationToken: ct)).Items.Select(static item => item.Metadata.Name)];

    public async ValueTask DisposeAsync()
    {
        using (var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30)))
        {
            try
            {
                foreach (var item in (await _cri.ListPodSandboxAsync(new ListPodSandboxRequest(), cancellationToken: limit.Token)).Items)
                {
                    await _cri.StopPodSandboxAsync(new StopPodSandboxRequest { PodSandboxId = item.Id }, cancellationToken: limit.Token);
                    await _cri.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = item.Id }, cancellationToken: limit.Token);
                }
            }
            catch (RpcException e)
            {
                // The test that left the pod has the reason; what follows ends it in any case.
                TestContext.Current.SendDiagnosticMessage($"removal of pods: {e.Status}");
            }
        }

        _channel.Dispose();
        await _host.DisposeAsync();
        await _daemon.WaitForExitAsync(CancellationToken.None);
        _daemon.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static string Configuration(string folder, string binaries, string cniConf) => $"""
        version = 2
        root = "{folder}/root"
        state = "{folder}/state"
        disabled_plugins = ["io.containerd.internal.v1.opt"]

        [grpc]
          address = "{folder}/containerd.sock"

        [plugins."io.containerd.grpc.v1.cri"]
          sandbox_image = "{ContainerImage.Name}"
          # Lower scores than containerd's own need CAP_SYS_RESOURCE.
          restrict_oom_score_adj = true
          # All sandboxes in one folder of this containerd's own, so that none is left and nobody else's is touched.
          netns_mounts_under_state_dir = true
          disable_apparmor = true
          stream_server_address = "127.0.0.1"
          stream_server_port = "0"

          [plugins."io.containerd.grpc.v1.cri".cni]
            bin_dir = "{binaries}"
            conf_dir = "{cniConf}"

        """;

    private static SocketsHttpHandler HandlerOf(string path) => new()
    {
        ConnectCallback = async (_, ct) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    };

    /// <summary>From the OCI specification of the sandbox, which containerd gives in its verbose status.</summary>
    private static string NetNsPathOf(MapField<string, string> info) =>
        JsonNode.Parse(info["info"])!["runtimeSpec"]!["linux"]!["namespaces"]!.AsArray()
            .Single(static ns => ns!["type"]!.GetValue<string>() == "network")!["path"]!.GetValue<string>();

    private async Task WaitReadyAsync(CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                if ((await ConditionAsync("RuntimeReady", ct)).Status)
                    return;
            }
            catch (RpcException) when (clock.Elapsed < s_startLimit && !_daemon.HasExited)
            {
                // Not listening yet.
            }

            if (clock.Elapsed > s_startLimit)
                throw new InvalidOperationException($"containerd is not ready:\n{string.Join('\n', File.ReadLines(LogFile).TakeLast(20))}");
            await Task.Delay(s_poll, ct);
        }
    }
}

/// <summary>A pod sandbox of containerd.</summary>
/// <param name="Address">what CRI gives the kubelet as the pod's address</param>
internal sealed record CriPod(string SandboxId, string Name, PodSandboxConfig Config, IPAddress Address, string NetNsPath)
{
    /// <summary>Its further addresses.</summary>
    public IReadOnlyList<IPAddress> Others { get; init; } = [];
}
