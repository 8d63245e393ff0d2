using Terway.Linux.Native;

namespace Terway.Linux.Namespaces;

/// <summary>Namespaces with a name below /run/netns, interchangeable with those of <c>ip netns</c>.</summary>
public static class NamedNetNs
{
    private const string Root = "/run/netns";

    /// <summary>Where a name is bound. The name is one path segment.</summary>
    public static string PathOf(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name is "." or ".." || name.AsSpan().ContainsAny('/', '\0') || name.Length > 255)
            throw new ArgumentException($"'{name}' is not a name of a network namespace: it must be one path segment", nameof(name));
        return $"{Root}/{name}";
    }

    /// <summary>Makes a namespace and returns it open. Its loopback is down, as the kernel makes it.</summary>
    /// <exception cref="LinuxException">EEXIST: the name is taken.</exception>
    public static NetNs Create(string name)
    {
        var path = PathOf(name);
        MakeRootShared();
        var fd = Libc.open(path, fcntl.O_RDONLY | fcntl.O_CREAT | fcntl.O_EXCL | fcntl.O_CLOEXEC, 0);
        if (fd < 0)
            throw new LinuxException(Libc.Errno, $"create network namespace {name}");
        _ = Libc.close(fd);
        try
        {
            CreateOnOwnThread(path);
            return NetNs.Open(path);
        }
        catch
        {
            _ = Libc.umount2(path, sched.MNT_DETACH);
            _ = Libc.unlink(path);
            throw;
        }
    }

    /// <summary>Removes the name. The namespace itself ends with its last process, socket and descriptor.</summary>
    /// <returns>False when there was no such name.</returns>
    public static bool Delete(string name)
    {
        var path = PathOf(name);
        if (Libc.umount2(path, sched.MNT_DETACH) != 0 && Libc.Errno is var umount && umount is not (Errno.EINVAL or Errno.ENOENT))
            throw new LinuxException(umount, $"unmount network namespace {name}");
        if (Libc.unlink(path) == 0)
            return true;
        var errno = Libc.Errno;
        return errno == Errno.ENOENT ? false : throw new LinuxException(errno, $"delete network namespace {name}");
    }

    /// <summary>The names that are bound to a network namespace, sorted.</summary>
    public static IReadOnlyList<string> List()
    {
        if (!Directory.Exists(Root))
            return [];
        List<string> names = [];
        foreach (var path in Directory.EnumerateFiles(Root))
        {
            if (NetNs.Exists(path))
                names.Add(Path.GetFileName(path));
        }

        names.Sort(StringComparer.Ordinal);
        return names;
    }

    /// <summary>Namespaces are bound in a shared mount, so that containers that mount /run/netns see later ones and deletes reach every mount namespace.</summary>
    private static void MakeRootShared()
    {
        if (Libc.mkdir(Root, 0x1ed /* 0755 */) != 0 && Libc.Errno is var mkdir && mkdir != Errno.EEXIST)
            throw new LinuxException(mkdir, $"create {Root}");
        if (Libc.mount("", Root, "none", sched.MS_SHARED | sched.MS_REC, null) == 0)
            return;
        var errno = Libc.Errno;
        if (errno != Errno.EINVAL)
            throw new LinuxException(errno, $"make {Root} a shared mount");
        // Not a mount point yet.
        if (Libc.mount(Root, Root, "none", sched.MS_BIND | sched.MS_REC, null) != 0)
            throw new LinuxException(Libc.Errno, $"bind mount {Root} on itself");
        if (Libc.mount("", Root, "none", sched.MS_SHARED | sched.MS_REC, null) != 0)
            throw new LinuxException(Libc.Errno, $"make {Root} a shared mount");
    }

    private static void CreateOnOwnThread(string path)
    {
        using var home = NetNs.OpenCurrent();
        var result = 0;
        var thread = new Thread(() => result = CreateHere(home, path)) { IsBackground = true, Name = "netns-create" };
        thread.Start();
        thread.Join();
        if (result == NetNsVisit.Lost)
            Environment.FailFast($"could not return from the new network namespace {path}");
        if (result < 0)
            throw new LinuxException(-result, $"create network namespace {path}");
    }

    private static unsafe int CreateHere(NetNs home, string path)
    {
        fixed (byte* source = "/proc/thread-self/ns/net\0"u8, type = "none\0"u8, target = NetNsVisit.CString(path))
            return NetNsVisit.CreateBound(home.Fd, source, target, type);
    }
}
