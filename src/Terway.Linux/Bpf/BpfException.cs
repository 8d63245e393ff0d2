namespace Terway.Linux.Bpf;

/// <summary>An eBPF object, program or map could not be loaded, attached or used.</summary>
public sealed class BpfException : LinuxException
{
    public BpfException(int errno, string operation, string? detail = null, string? verifierLog = null)
        : base(errno, operation, Compose(errno, operation, detail, verifierLog)) => VerifierLog = verifierLog;

    /// <summary>What the kernel's verifier wrote, where it did.</summary>
    public string? VerifierLog { get; }

    private static string Compose(int errno, string operation, string? detail, string? verifierLog)
    {
        var text = $"{operation}: {Terway.Linux.Errno.Describe(errno)}";
        if (!string.IsNullOrWhiteSpace(detail))
            text += $"\n{detail.TrimEnd()}";
        // The cause is at the end of the log, before its statistics.
        if (!string.IsNullOrWhiteSpace(verifierLog))
            text += $"\nverifier: ...{verifierLog[Math.Max(0, verifierLog.Length - 1500)..].TrimEnd()}";
        return text;
    }
}
