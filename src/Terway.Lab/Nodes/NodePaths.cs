namespace Terway.Lab.Nodes;

/// <summary>A node's own folders, in place of the host's: nodes share the machine's file system.</summary>
public sealed record NodePaths(string Root)
{
    /// <summary>Sockets; /var/run/eni on a real node.</summary>
    public string Run => Path.Combine(Root, "run");

    public string State => Path.Combine(Root, "state");

    /// <summary>/etc/cni/net.d on a real node.</summary>
    public string CniConf => Path.Combine(Root, "cni", "net.d");

    /// <summary>What a runtime remembers of its ADD calls, /var/lib/cni on a real node.</summary>
    public string CniCache => Path.Combine(Root, "cni", "cache");

    public string Logs => Path.Combine(Root, "logs");

    /// <summary>Configuration and manifests that are given to the daemon.</summary>
    public string Etc => Path.Combine(Root, "etc");

    /// <summary>A bpf file system; below /sys/fs/bpf on a real node.</summary>
    public string Bpf => Path.Combine(Root, "bpf");

    /// <summary>Kubernetes manifests that the daemon watches; files are renamed into it.</summary>
    public string Manifests => Path.Combine(Root, "manifests");

    public void Create()
    {
        foreach (var folder in (string[])[Run, State, CniConf, CniCache, Logs, Etc, Manifests])
            Directory.CreateDirectory(folder);
    }
}
