using Terway.Linux.Namespaces;

namespace Terway.Bench.Datapath;

/// <summary>Settings of the kernel in every namespace that clients and servers are in, all the same.</summary>
internal static class PodKernel
{
    private static readonly (string Path, string Value)[] s_settings =
    [
        // One client opens more connections in a minute than there are ports.
        ("/proc/sys/net/ipv4/tcp_max_tw_buckets", "512"),
        ("/proc/sys/net/ipv4/ip_local_port_range", "10000 65000"),
    ];

    public static void Prepare(NetNsThread thread, params NetNs[] namespaces)
    {
        foreach (var ns in namespaces)
        {
            thread.Run(ns, static () =>
            {
                foreach (var (path, value) in s_settings) File.WriteAllText(path, value);
            });
        }
    }
}
