using System.CommandLine;

namespace Terway.Cli.Commands;

/// <summary>Where things are on this node.</summary>
internal sealed record NodePaths
{
    public string ConfigFile { get; init; } = "/etc/eni/eni_conf";

    public string StateDir { get; init; } = "/var/lib/cni/terway";

    public string PluginDir { get; init; } = "/usr/lib/terway/plugins";

    public string CniConfDir { get; init; } = "/etc/cni/net.d";

    public string CniBinDir { get; init; } = "/opt/cni/bin";

    public string BpfDir { get; init; } = "/sys/fs/bpf/terway";

    public string ApiSocket { get; init; } = "/var/run/eni/eni.socket";

    public Uri MetadataEndpoint { get; init; } = new("http://100.100.100.200/");

    /// <summary>The daemon's log, when it goes to a file.</summary>
    public string? LogFile { get; init; }

    public string StateFile => Path.Combine(StateDir, "state.db");

    public string SpoolDir => Path.Combine(StateDir, "spool");

    /// <summary>The entrypoint's socket lies beside that of the API.</summary>
    public string CniSocket => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(ApiSocket))!, "cni.socket");
}

/// <summary>The options behind <see cref="NodePaths"/>, named as the daemon's.</summary>
internal sealed class NodePathOptions
{
    private readonly Option<string> _config = Folder("--config", "node pool configuration", static d => d.ConfigFile);
    private readonly Option<string> _state = Folder("--state-dir", "the daemon's state file and spool", static d => d.StateDir);
    private readonly Option<string> _plugins = PluginDir();
    private readonly Option<string> _conf = Folder("--cni-conf-dir", "where the runtime looks for conflists", static d => d.CniConfDir);
    private readonly Option<string> _bin = Folder("--cni-bin-dir", "where the runtime looks for CNI plugins", static d => d.CniBinDir);
    private readonly Option<string> _bpf = Folder("--bpf-dir", "the daemon's pinned eBPF maps and programs", static d => d.BpfDir);
    private readonly Option<string?> _log = new("--log-file") { Description = "the daemon's log, if it is a file" };
    private readonly Option<Uri> _metadata = new("--metadata-endpoint")
    {
        Description = "instance metadata service, to compare clocks with",
        DefaultValueFactory = static _ => new NodePaths().MetadataEndpoint,
        CustomParser = static result =>
        {
            if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https") return uri;
            result.AddError($"--metadata-endpoint {result.Tokens[0].Value} is no http URL");
            return null;
        },
    };

    public static Option<string> PluginDir() => Folder("--plugin-dir", "plugins as <Name>/<Version>/", static d => d.PluginDir);

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_config, _state, _plugins, _conf, _bin, _bpf, _log, _metadata]) command.Options.Add(option);
    }

    public NodePaths Read(ParseResult parsed, string apiSocket) => new()
    {
        ConfigFile = parsed.GetRequiredValue(_config),
        StateDir = parsed.GetRequiredValue(_state),
        PluginDir = parsed.GetRequiredValue(_plugins),
        CniConfDir = parsed.GetRequiredValue(_conf),
        CniBinDir = parsed.GetRequiredValue(_bin),
        BpfDir = parsed.GetRequiredValue(_bpf),
        LogFile = parsed.GetValue(_log),
        MetadataEndpoint = parsed.GetRequiredValue(_metadata),
        ApiSocket = apiSocket,
    };

    private static Option<string> Folder(string name, string description, Func<NodePaths, string> standard) =>
        new(name) { Description = description, DefaultValueFactory = _ => standard(new NodePaths()) };
}
