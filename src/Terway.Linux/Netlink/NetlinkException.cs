namespace Terway.Linux.Netlink;

/// <summary>The kernel refused a netlink request.</summary>
public sealed class NetlinkException : LinuxException
{
    public NetlinkException(int errno, string operation, string? kernelMessage)
        : base(errno, operation, Compose(errno, operation, kernelMessage)) => KernelMessage = kernelMessage;

    /// <summary>The kernel's own words (extended ack), where it gave any.</summary>
    public string? KernelMessage { get; }

    private static string Compose(int errno, string operation, string? kernelMessage) =>
        kernelMessage is null
            ? $"{operation}: {Terway.Linux.Errno.Describe(errno)}"
            : $"{operation}: {Terway.Linux.Errno.Describe(errno)}: {kernelMessage}";
}
