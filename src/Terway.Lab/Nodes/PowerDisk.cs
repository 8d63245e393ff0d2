using System.Buffers.Binary;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Terway.Lab.Nodes;

/// <summary>
/// A disk of a node that can lose power: an ext4 of its own in an image, mounted by loop, with folders of the node on it. What was not synced when the
/// power goes is not there afterwards: the file system is shut down without a flush of its log (as xfstests' "godown" does) and mounted again, so that
/// what is left is what ext4's own recovery finds. Nothing is written back by itself meanwhile: neither the log (an hour) nor, when a file takes another
/// one's place, its content. One caller at a time.
/// </summary>
public sealed partial class PowerDisk : IAsyncDisposable
{
    /// <summary>EXT4_IOC_SHUTDOWN and EXT4_GOING_FLAGS_NOLOGFLUSH of linux/ext4.h.</summary>
    private const nuint ShutDown = 0x8004587D;
    private const uint WithoutLogFlush = 2;
    private const long Size = 48 << 20;

    /// <summary>How long the kernel may take to let go of files whose processes were just killed.</summary>
    private static readonly TimeSpan s_busy = TimeSpan.FromSeconds(10);

    private readonly string _root;
    private readonly IReadOnlyList<string> _folders;
    private readonly LabLedger? _ledger;
    private readonly Stack<string> _mounted = new();

    private PowerDisk(string root, IReadOnlyList<string> folders, LabLedger? ledger)
    {
        _root = root;
        _folders = folders;
        _ledger = ledger;
    }

    private string Image => _root + ".img";

    /// <summary>Makes the disk and mounts it; what the folders held is hidden by it.</summary>
    /// <param name="root">Where it is mounted; the image lies beside it.</param>
    /// <param name="folders">What is on it.</param>
    /// <param name="ledger">Where mounts are written down, so that a later process can remove them; null: nowhere.</param>
    /// <param name="ct">Ends the work.</param>
    /// <exception cref="InvalidOperationException">A program refused; the message has its words.</exception>
    public static async Task<PowerDisk> CreateAsync(string root, IReadOnlyList<string> folders, LabLedger? ledger, CancellationToken ct)
    {
        var disk = new PowerDisk(root, folders, ledger);
        try
        {
            Directory.CreateDirectory(root);
            await using (var image = File.Create(disk.Image)) image.SetLength(Size);
            await RunAsync("mkfs.ext4", ["-q", "-J", "size=4", "-E", "lazy_itable_init=0,lazy_journal_init=0", disk.Image], ct);
            await disk.MountAsync(ct);
            return disk;
        }
        catch
        {
            await disk.DisposeAsync();
            throw;
        }
    }

    /// <summary>The power goes and comes back: only what was synced is there. No process may have a file on it open.</summary>
    public async Task LosePowerAsync(CancellationToken ct)
    {
        Stop();
        await UnmountAsync(lazily: false, ct);
        await ReplaceImageAsync("""cp --sparse=always "$0" "$1" """, ct);
        await MountAsync(ct);
    }

    /// <summary>The kernel finds an error in the file system and makes it read-only, for open files as well, until it is repaired.</summary>
    public void Fail()
    {
        var device = Path.GetFileName(File.ReadLines("/proc/self/mounts").Select(static l => l.Split(' ')).Last(m => m[1] == _root)[0]);
        File.WriteAllText($"/sys/fs/ext4/{device}/trigger_fs_error", "1");
    }

    /// <summary>
    /// What an operator does about it: onto another disk, checked, and mounted in the same place. Open files stay those of the failed one.
    /// </summary>
    public async Task RepairAsync(CancellationToken ct)
    {
        await UnmountAsync(lazily: true, ct);
        // 1: errors corrected.
        await ReplaceImageAsync("""cp --sparse=always "$0" "$1" && { e2fsck -fp "$1" || [ $? = 1 ]; }""", ct);
        await MountAsync(ct);
    }

    /// <summary>Writes are refused from now on, or accepted again; no file may be open for writing.</summary>
    public Task SetReadOnlyAsync(bool readOnly, CancellationToken ct) => RunAsync("mount", ["-o", readOnly ? "remount,ro" : "remount,rw", _root], ct);

    /// <summary>
    /// What the power's end leaves of a commit that was being written: half a frame behind the last whole one of SQLite's log
    /// (https://www.sqlite.org/fileformat2.html#the_write_ahead_log).
    /// </summary>
    public static void Tear(string log)
    {
        const int headerSize = 32, frameHeader = 24, saltAt = 16, frameSaltAt = 8, salts = 8;
        if (!File.Exists(log)) return;
        using var file = File.Open(log, FileMode.Open, FileAccess.ReadWrite);
        var header = new byte[headerSize];
        if (file.ReadAtLeast(header, headerSize, throwOnEndOfStream: false) < headerSize) return;
        var frame = new byte[frameHeader + BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(8))];
        var end = file.Position;
        while (file.ReadAtLeast(frame, frame.Length, throwOnEndOfStream: false) == frame.Length
            && frame.AsSpan(frameSaltAt, salts).SequenceEqual(header.AsSpan(saltAt, salts)))
        {
            end = file.Position;
        }

        if (end == headerSize) return;
        file.Position = end - frame.Length;
        file.ReadExactly(frame);
        file.Write(frame, 0, frame.Length / 2);
    }

    public async ValueTask DisposeAsync()
    {
        await UnmountAsync(lazily: true, CancellationToken.None);
        File.Delete(Image);
    }

    // A copy: as long as somebody has a file of it open, or the mount in a mount namespace of his own, as container runtimes do, the kernel would mount
    // the image again as the file system that it was.
    private async Task ReplaceImageAsync(string script, CancellationToken ct)
    {
        var copy = Image + ".next";
        await RunAsync("sh", ["-c", script, Image, copy], ct);
        File.Move(copy, Image, overwrite: true);
    }

    private async Task MountAsync(CancellationToken ct)
    {
        await MountAsync(_root, ["-o", "loop,commit=3600,noauto_da_alloc,errors=remount-ro", Image], ct);
        foreach (var folder in _folders)
        {
            var source = Path.Combine(_root, Path.GetFileName(folder));
            Directory.CreateDirectory(source);
            await MountAsync(folder, ["--bind", source], ct);
        }

        // That the folders are there is the node's installation, and not what is tried.
        await RunAsync("sync", ["-f", _root], ct);
    }

    private async Task MountAsync(string target, string[] arguments, CancellationToken ct)
    {
        Directory.CreateDirectory(target);
        _ledger?.RecordMount(target);
        await RunAsync("mount", [.. arguments, target], ct);
        _mounted.Push(target);
    }

    private async Task UnmountAsync(bool lazily, CancellationToken ct)
    {
        while (_mounted.TryPeek(out var target))
        {
            var begin = Stopwatch.GetTimestamp();
            while (true)
            {
                try
                {
                    await RunAsync("umount", lazily ? ["-l", target] : [target], ct);
                    break;
                }
                catch (InvalidOperationException e) when (e.Message.Contains("busy", StringComparison.Ordinal) && Stopwatch.GetElapsedTime(begin) < s_busy)
                {
                    await Task.Delay(10, ct);
                }
            }

            _ledger?.ForgetMount(target);
            _mounted.Pop();
        }
    }

    private void Stop()
    {
        var fd = Open(_root, 0);
        if (fd < 0) throw new Win32Exception(Marshal.GetLastPInvokeError());
        try
        {
            var flags = WithoutLogFlush;
            if (Ioctl(fd, ShutDown, ref flags) != 0) throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
        finally
        {
            _ = Close(fd);
        }
    }

    private static async Task RunAsync(string program, string[] arguments, CancellationToken ct)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        var error = process.StandardError.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {(await error).Trim()}");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Ioctl(int fd, nuint request, ref uint argument);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int fd);
}
