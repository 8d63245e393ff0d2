using System.CommandLine;
using System.Net;
using Terway.Configuration;
using Terway.Host.Kernel;
using Terway.Host.Observability;
using Terway.Linux;

namespace Terway.Host;

/// <summary>Where things are on this node. Defaults are those of an installed DaemonSet.</summary>
internal sealed record DaemonOptions
{
    public required string ConfigFile { get; init; }

    public required string RunDir { get; init; }

    public required string StateDir { get; init; }

    public required string PluginDir { get; init; }

    public required string CniConfDir { get; init; }

    /// <summary>Folder on a bpf file system.</summary>
    public required string BpfDir { get; init; }

    /// <summary><c>auto</c>, or <c>clsact</c> also where the kernel has tcx.</summary>
    public string TcAttach { get; init; } = "auto";

    public required string? PodDir { get; init; }

    /// <summary>Folder of Kubernetes manifests that takes the cluster's place; null: there is none.</summary>
    public required string? ManifestDir { get; init; }

    /// <summary>Folder of a cgroup (version 2); null where the node has none.</summary>
    public required string? CgroupRoot { get; init; }

    public required Uri MetadataEndpoint { get; init; }

    public required string NodeName { get; init; }

    /// <summary>Labels of the Kubernetes node that choose its mode.</summary>
    public IReadOnlyDictionary<string, string> NodeLabels { get; init; } = new Dictionary<string, string>();

    public required string LogLevel { get; init; }

    /// <summary><c>text</c> or <c>json</c>.</summary>
    public string LogFormat { get; init; } = "text";

    /// <summary>Where metrics are served beside the unix socket; null for nowhere.</summary>
    public IPEndPoint? MetricsListen { get; init; }

    /// <summary>The cluster's version as Kubernetes tells it; null when it is not known.</summary>
    public string? KubernetesVersion { get; init; }

    /// <summary>The API server's address as Kubernetes gives it to every pod; null outside of a cluster.</summary>
    public string? ControlPlane { get; init; }

    public string LockFile => Path.Combine(RunDir, "terwayd.lock");

    /// <summary>Framed calls of the entrypoint.</summary>
    public string CniSocket => Path.Combine(RunDir, "cni.socket");

    /// <summary>gRPC for everybody else.</summary>
    public string ApiSocket => Path.Combine(RunDir, "eni.socket");

    /// <summary>Metrics, health and readiness over HTTP.</summary>
    public string MetricsSocket => Path.Combine(RunDir, "metrics.socket");

    public string StateFile => Path.Combine(StateDir, "state.db");

    /// <summary>DELs that came while the daemon was down.</summary>
    public string SpoolDir => Path.Combine(StateDir, "spool");

    /// <summary>The command whose action runs the daemon.</summary>
    public static RootCommand Command(Func<DaemonOptions, CancellationToken, Task<int>> run)
    {
        var config = new Option<string>("--config") { Description = "node pool configuration: eni_conf as JSON", DefaultValueFactory = _ => "/etc/eni/eni_conf" };
        var runDir = new Option<string>("--run-dir") { Description = "sockets and lock", DefaultValueFactory = _ => "/var/run/eni" };
        var stateDir = new Option<string>("--state-dir") { Description = "state file and spool; on a disk that survives a reboot", DefaultValueFactory = _ => "/var/lib/cni/terway" };
        var pluginDir = new Option<string>("--plugin-dir") { Description = "plugins as <Name>/<Version>/", DefaultValueFactory = _ => "/usr/lib/terway/plugins" };
        var cniConfDir = new Option<string>("--cni-conf-dir") { Description = "where the runtime looks for conflists", DefaultValueFactory = _ => "/etc/cni/net.d" };
        var bpfDir = new Option<string>("--bpf-dir") { Description = "pinned eBPF maps and programs; below a mounted bpf file system", DefaultValueFactory = _ => BpfPins.DefaultFolder };
        var tcAttach = new Option<string>("--tc-attach")
        {
            Description = "how eBPF programs are attached to links: auto is tcx where the kernel has it (6.6), else filters of a clsact",
            DefaultValueFactory = _ => "auto",
        };
        tcAttach.AcceptOnlyFromAmong("auto", "clsact");
        var podDir = new Option<string?>("--pod-dir") { Description = "pod manifests as <namespace>/<name>.json, for labels and annotations without a cluster" };
        var manifests = new Option<string?>("--manifests") { Description = "folder of Kubernetes manifests (Service, EndpointSlice), watched: what takes the cluster's place without one" };
        var cgroupRoot = new Option<string?>("--cgroup-root") { Description = "cgroup (version 2) of everything on the node, for Services; by default the root of the cgroup2 that is mounted" };
        var metadata = new Option<Uri>("--metadata-endpoint")
        {
            Description = "instance metadata service",
            DefaultValueFactory = _ => new Uri("http://100.100.100.200/"),
            CustomParser = static result =>
            {
                if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https") return uri;
                result.AddError($"--metadata-endpoint {result.Tokens[0].Value} is no http URL");
                return null;
            },
        };
        var nodeName = new Option<string>("--node-name") { Description = "name of the Kubernetes node", DefaultValueFactory = _ => Environment.GetEnvironmentVariable("NODE_NAME") is { Length: > 0 } n ? n : Environment.MachineName };
        var nodeLabels = new Option<Dictionary<string, string>>("--node-labels")
        {
            Description = "labels of the Kubernetes node as KEY=VALUE,...; k8s.aliyun.com/exclusive-mode-eni-type chooses the mode when the configuration lists no plugins",
            DefaultValueFactory = _ => [],
            CustomParser = static result =>
            {
                var labels = LabelText.Parse(result.Tokens[0].Value, out var problem);
                if (problem is not null) result.AddError($"--node-labels {problem}");
                return labels;
            },
        };
        var logLevel = new Option<string>("--log-level") { Description = "debug, info, warning or error", DefaultValueFactory = _ => "info" };
        logLevel.AcceptOnlyFromAmong("debug", "info", "warning", "error");
        var logFormat = new Option<string>("--log-format") { Description = "text or json, one line an event", DefaultValueFactory = _ => "text" };
        logFormat.AcceptOnlyFromAmong("text", "json");
        var metricsListen = new Option<IPEndPoint?>("--metrics-listen")
        {
            Description = "also serve metrics, health and readiness on IP:PORT; :PORT is the loopback address",
            CustomParser = static result =>
            {
                if (ListenAddress.TryParse(result.Tokens[0].Value, out var address, out var problem)) return address;
                result.AddError($"--metrics-listen {problem}");
                return null;
            },
        };
        var kubernetes = new Option<string?>("--kubernetes-version")
        {
            Description = "the cluster's version, to check what the configuration needs of it",
            DefaultValueFactory = static _ => Environment.GetEnvironmentVariable("KUBERNETES_VERSION") is { Length: > 0 } version ? version : null,
        };
        var command = new RootCommand("terwayd: gives the pods of this node their VPC network")
        {
            config, runDir, stateDir, pluginDir, cniConfDir, bpfDir, tcAttach, podDir, manifests, cgroupRoot, metadata, nodeName, nodeLabels, logLevel, logFormat, metricsListen, kubernetes,
        };
        command.SetAction((parsed, cancellationToken) => run(
            new DaemonOptions
            {
                ConfigFile = parsed.GetRequiredValue(config),
                RunDir = Path.GetFullPath(parsed.GetRequiredValue(runDir)),
                StateDir = Path.GetFullPath(parsed.GetRequiredValue(stateDir)),
                PluginDir = Path.GetFullPath(parsed.GetRequiredValue(pluginDir)),
                CniConfDir = Path.GetFullPath(parsed.GetRequiredValue(cniConfDir)),
                BpfDir = Path.GetFullPath(parsed.GetRequiredValue(bpfDir)),
                TcAttach = parsed.GetRequiredValue(tcAttach),
                PodDir = parsed.GetValue(podDir),
                ManifestDir = parsed.GetValue(manifests) is { } folder ? Path.GetFullPath(folder) : null,
                CgroupRoot = parsed.GetValue(cgroupRoot) is { } root ? Path.GetFullPath(root) : Cgroup.FindMount(),
                MetadataEndpoint = parsed.GetRequiredValue(metadata),
                NodeName = parsed.GetRequiredValue(nodeName),
                NodeLabels = parsed.GetRequiredValue(nodeLabels),
                LogLevel = parsed.GetRequiredValue(logLevel),
                LogFormat = parsed.GetRequiredValue(logFormat),
                MetricsListen = parsed.GetValue(metricsListen),
                KubernetesVersion = parsed.GetValue(kubernetes),
                ControlPlane = Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST"),
            },
            cancellationToken));
        return command;
    }
}
