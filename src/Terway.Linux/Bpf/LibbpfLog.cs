using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Terway.Linux.Native;

namespace Terway.Linux.Bpf;

/// <summary>
/// Collects what libbpf prints during one call. Its print function is the process's: it is set only under a lock that all copies of this
/// assembly share, and never left behind, since this copy's code may be unloaded.
/// </summary>
internal static unsafe class LibbpfLog
{
    private const int Info = 1;

    [ThreadStatic]
    private static StringBuilder? s_lines;

    /// <summary>Runs <paramref name="call"/>; the text holds warnings and information, not debugging.</summary>
    /// <exception cref="DllNotFoundException">libbpf is not installed; the message says what to do.</exception>
    public static T Collect<T>(Func<T> call, out string text)
    {
        var lines = s_lines = new StringBuilder();
        try
        {
            // An interned string is one object for the whole process, also across assembly load contexts.
#pragma warning disable CA2002
            lock (string.Intern("Terway.Linux.Bpf.LibbpfLog"))
#pragma warning restore CA2002
            {
                Libbpf.libbpf_set_print(&Print);
                try
                {
                    return call();
                }
                finally
                {
                    Libbpf.libbpf_set_print(null);
                }
            }
        }
        catch (DllNotFoundException e)
        {
            throw new DllNotFoundException(
                "libbpf.so.1 was not found: install libbpf 1.x (Debian and Ubuntu: libbpf1, Alibaba Cloud Linux: libbpf)", e);
        }
        finally
        {
            s_lines = null;
            text = lines.ToString();
        }
    }

    [UnmanagedCallersOnly]
    private static int Print(int level, byte* format, nint arguments)
    {
        if (level > Info || s_lines is not { } lines)
            return 0;
        const int Size = 1024;
        var buffer = stackalloc byte[Size];
        // va_list is an address in the calling conventions of x64 and arm64.
        var length = Libc.vsnprintf(buffer, Size, format, arguments);
        if (length > 0)
            lines.Append(Encoding.UTF8.GetString(buffer, Math.Min(length, Size - 1)));
        return length;
    }
}
