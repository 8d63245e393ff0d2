using System.Diagnostics;
using System.Globalization;
using System.Net;
using Terway.Linux.Namespaces;

namespace Terway.EndToEnd.Tests.Callers;

/// <summary>A running web server that a real container runtime made, whichever it is.</summary>
/// <param name="Name">Its host name, which it answers with.</param>
/// <param name="Addresses">IPv4 first.</param>
/// <param name="NetNsPath">Its namespace.</param>
/// <param name="Exec">Runs a program in it and returns what that printed.</param>
/// <param name="HasEnded">Waits until the runtime knows that its processes ended.</param>
/// <param name="Remove">As a user or a kubelet removes it.</param>
internal sealed record CallerPod(
    string Name, IReadOnlyList<IPAddress> Addresses, string NetNsPath, Func<IReadOnlyList<string>, Task<string>> Exec, Func<Task> HasEnded, Func<Task> Remove)
{
    public IPAddress Address => Addresses[0];

    public IPAddress Ipv6 => Addresses[1];

    /// <summary>Ends every process in its namespace, without asking the runtime: its init, its pause process.</summary>
    public void KillProcesses()
    {
        ulong inode;
        using (var netns = NetNs.Open(NetNsPath)) inode = netns.Inode;
        var own = $"net:[{inode}]";
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(static p => int.TryParse(Path.GetFileName(p), out _)))
        {
            // A link's target only: the process may end at any moment.
            if (new FileInfo(Path.Combine(process, "ns/net")).LinkTarget is { } target && target == own) Kill(int.Parse(Path.GetFileName(process), CultureInfo.InvariantCulture));
        }
    }

    private static void Kill(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            process.Kill();
        }
        catch (ArgumentException)
        {
            // It ended by itself.
        }
    }
}
