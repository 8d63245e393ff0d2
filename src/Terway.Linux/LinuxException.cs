namespace Terway.Linux;

/// <summary>A system call failed.</summary>
public class LinuxException : IOException
{
    public LinuxException(int errno, string operation)
        : this(errno, operation, $"{operation}: {Terway.Linux.Errno.Describe(errno)}")
    {
    }

    protected LinuxException(int errno, string operation, string message)
        : base(message)
    {
        Errno = errno;
        Operation = operation;
    }

    /// <summary>The error number, see <see cref="Terway.Linux.Errno"/>.</summary>
    public int Errno { get; }

    /// <summary>What was tried, on which object.</summary>
    public string Operation { get; }
}
