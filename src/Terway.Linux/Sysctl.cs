using System.Text;
using Terway.Linux.Namespaces;
using Terway.Linux.Native;

namespace Terway.Linux;

/// <summary>
/// Kernel parameters below /proc/sys. Those of net/ belong to a network namespace: the calling thread's, or a given one.
/// </summary>
/// <remarks>
/// Keys are written as for sysctl(8): the first separator decides. <c>net/ipv4/conf/eth0.100/rp_filter</c> is a path;
/// <c>net.ipv4.conf.eth0/100.rp_filter</c> is the same with dots, where a slash stands for a dot inside a name.
/// </remarks>
public static class Sysctl
{
    private const int MaxValue = 4096;

    /// <summary>Reads a value as the calling thread's namespace has it, without the end of line.</summary>
    /// <exception cref="LinuxException">ENOENT: no such parameter.</exception>
    public static string Read(string key) => Read(key, static (path, buffer) => TransferHere(path, false, buffer, buffer.Length));

    /// <summary>Reads a value as <paramref name="ns"/> has it.</summary>
    /// <exception cref="LinuxException">ENOENT: no such parameter.</exception>
    public static string Read(NetNsThread thread, NetNs ns, string key)
    {
        ArgumentNullException.ThrowIfNull(thread);
        return Read(key, (path, buffer) => thread.Transfer(ns, path, false, buffer, buffer.Length));
    }

    /// <summary>Writes a value in the calling thread's namespace.</summary>
    /// <exception cref="LinuxException">ENOENT: no such parameter. EINVAL: the value is refused. EROFS: /proc/sys is read-only, as in an unprivileged container.</exception>
    public static void Write(string key, string value)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        Check(TransferHere(PathOf(key), true, bytes, bytes.Length), $"write sysctl {key} = {value}");
    }

    /// <summary>Writes a value in <paramref name="ns"/>.</summary>
    /// <inheritdoc cref="Write(string, string)" path="/exception"/>
    public static void Write(NetNsThread thread, NetNs ns, string key, string value)
    {
        ArgumentNullException.ThrowIfNull(thread);
        ArgumentNullException.ThrowIfNull(ns);
        var bytes = Encoding.UTF8.GetBytes(value);
        Check(thread.Transfer(ns, PathOf(key), true, bytes, bytes.Length), $"write sysctl {key} = {value} in {ns}");
    }

    /// <summary>The key of an interface's parameter, safe for names with dots: <c>net/ipv4/conf/eth0.100/rp_filter</c>.</summary>
    /// <param name="family">ipv4 or ipv6</param>
    /// <param name="link">the interface, or <c>all</c> or <c>default</c></param>
    /// <param name="parameter">e.g. rp_filter</param>
    public static string InterfaceKey(string family, string link, string parameter) => $"net/{family}/conf/{link}/{parameter}";

    /// <summary>The file of a key.</summary>
    /// <exception cref="ArgumentException">The key is empty, absolute, or climbs out of /proc/sys.</exception>
    public static string PathOf(string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        var path = key;
        var first = key.AsSpan().IndexOfAny('.', '/');
        if (first > 0 && key[first] == '.')
            path = string.Create(key.Length, key, static (span, source) =>
            {
                for (var i = 0; i < span.Length; i++)
                    span[i] = source[i] switch { '.' => '/', '/' => '.', var c => c };
            });

        foreach (var range in path.AsSpan().Split('/'))
        {
            var segment = path.AsSpan(range);
            if (segment.IsEmpty || segment is "." or ".." || segment.Contains('\0'))
                throw new ArgumentException($"'{key}' is not a sysctl key, which looks like net/ipv4/ip_forward or net.ipv4.ip_forward", nameof(key));
        }

        return $"/proc/sys/{path}";
    }

    private static string Read(string key, Func<string, byte[], int> transfer)
    {
        var buffer = new byte[MaxValue];
        var length = Check(transfer(PathOf(key), buffer), $"read sysctl {key}");
        return Encoding.UTF8.GetString(buffer, 0, length).TrimEnd('\n');
    }

    private static int Check(int result, string operation) => result >= 0 ? result : throw new LinuxException(-result, operation);

    private static unsafe int TransferHere(string path, bool write, byte[] buffer, int length)
    {
        using var handle = new FdHandle(Libc.open(path, (write ? fcntl.O_WRONLY : fcntl.O_RDONLY) | fcntl.O_CLOEXEC, 0));
        if (handle.IsInvalid)
            return -Libc.Errno;
        fixed (byte* p = buffer)
        {
            var result = write ? Libc.write(handle.Fd, p, (nuint)length) : Libc.read(handle.Fd, p, (nuint)length);
            return result < 0 ? -Libc.Errno : (int)result;
        }
    }
}
