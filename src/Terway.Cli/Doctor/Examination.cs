using Terway.Cli.Commands;
using Terway.Cli.Mapping;
using Terway.Configuration.Plugins.Resolution;
using Terway.Host.Api.V1;
using Terway.Linux;
using Terway.Linux.Bpf;

namespace Terway.Cli.Doctor;

/// <summary>All checks of a node; works whether the daemon runs or not.</summary>
internal static class Examination
{
    private const string Accelerated = "DataPathV2";

    /// <summary>Looks at the node that the calling thread's namespace belongs to.</summary>
    public static async Task<(DoctorReport Report, NodeStatus? Status)> RunAsync(NodePaths paths, TimeProvider time, CancellationToken cancellationToken)
    {
        var release = (await File.ReadAllTextAsync("/proc/sys/kernel/osrelease", cancellationToken).ConfigureAwait(false)).Trim();
        var clock = ClockCheck.RunAsync(paths.MetadataEndpoint, time, cancellationToken);
        var (status, checks) = await DaemonChecks.RunAsync(paths.ApiSocket, cancellationToken).ConfigureAwait(false);
        // What the daemon says of the same configuration need not be said twice.
        var said = (status?.Findings ?? []).Select(static f => $"configuration {f.Path}").ToHashSet(StringComparer.Ordinal);
        checks.AddRange(Guard("configuration", () => ConfigChecks.Run(paths, status?.InstanceType, release)).Where(c => !said.Contains(c.Name)));
        checks.AddRange(Guard("installation", () => InstallChecks.Run(paths)));
        checks.AddRange(Guard("state", () => StateChecks.Run(paths)));
        checks.AddRange(Guard("kernel", () => KernelChecks.Run(KernelSide.Read(), release, NodeEnvironment.ParseKernel(release), ReadSysctl)));
        checks.AddRange(Guard("bpf file system", () => BpfChecks.Run(
            paths.BpfDir, NodeEnvironment.ParseKernel(release), ConfigChecks.AsksFor(paths, Accelerated), BpfMountPoint.Find, BpfChecks.AvailableMemory())));
        checks.Add(await clock.ConfigureAwait(false));
        return (DoctorReport.Of(checks), status);
    }

    private static string? ReadSysctl(string key)
    {
        try
        {
            return Sysctl.Read(key);
        }
        catch (LinuxException)
        {
            return null;
        }
    }

    // One check that cannot be done must not hide the others.
    private static List<Check> Guard(string name, Func<IEnumerable<Check>> run)
    {
        try
        {
            return [.. run()];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or LinuxException)
        {
            return [Check.Warn(name, $"cannot be looked at: {e.Message}", "be root, and on the node itself")];
        }
    }
}
