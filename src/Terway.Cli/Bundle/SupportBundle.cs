using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Terway.Cli.Commands;
using Terway.Cli.Doctor;
using Terway.Cli.Mapping;
using Terway.Cli.Output;
using Terway.Linux;

namespace Terway.Cli.Bundle;

/// <summary>What somebody needs who has to understand this node from afar.</summary>
internal static class SupportBundle
{
    /// <summary>The end of the daemon's log: what came before is seldom of use, and may be large.</summary>
    private const int MaxLogBytes = 8 << 20;

    private static readonly string[] s_sysctls =
    [
        "net/ipv4/ip_forward", "net/ipv4/conf/all/rp_filter", "net/ipv4/conf/default/rp_filter", "net/ipv4/conf/all/forwarding", "net/ipv4/conf/all/accept_local",
        "net/ipv4/conf/all/send_redirects", "net/ipv4/neigh/default/gc_thresh1", "net/ipv4/neigh/default/gc_thresh2", "net/ipv4/neigh/default/gc_thresh3",
        "net/ipv6/conf/all/forwarding", "net/ipv6/conf/all/disable_ipv6", "net/netfilter/nf_conntrack_max", "net/core/somaxconn",
    ];

    /// <summary>Collects and writes everything; what cannot be had is in the bundle as the reason.</summary>
    public static async Task WriteAsync(BundleWriter bundle, Redaction redaction, NodePaths paths, TimeProvider time, CancellationToken cancellationToken)
    {
        // First, because it tells what is secret in all the rest.
        AddConfiguration(bundle, redaction, paths.ConfigFile);
        AddFile(bundle, "versions.txt", () => Versions(time));
        var (report, status) = await Examination.RunAsync(paths, time, cancellationToken).ConfigureAwait(false);
        bundle.Add("doctor.json", JsonSerializer.Serialize(report, CliJson.Readable.DoctorReport));
        bundle.Add("status.json", status is null ? "{}" : JsonFormatter.Default.Format(status));
        await AddMappingAsync(bundle, paths.ApiSocket, cancellationToken).ConfigureAwait(false);
        AddCni(bundle, paths.CniConfDir);
        AddKernel(bundle);
        AddManifests(bundle, paths.PluginDir);
        if (paths.LogFile is { } log) AddFile(bundle, "terwayd.log", () => End(log));
    }

    private static void AddConfiguration(BundleWriter bundle, Redaction redaction, string path) => AddFile(bundle, "eni_conf.json", () =>
    {
        var content = File.ReadAllBytes(path);
        return redaction.Configuration(content) is { } redacted
            ? Encoding.UTF8.GetString(redacted)
            : $"{path}, {content.Length} bytes, is no JSON and is left out: what is secret in it cannot be told";
    });

    private static string Versions(TimeProvider time)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"time {time.GetUtcNow():O}");
        text.AppendLine(CultureInfo.InvariantCulture, $"terway-cli {typeof(SupportBundle).Assembly.GetName().Version}");
        text.AppendLine(CultureInfo.InvariantCulture, $"runtime {Environment.Version}");
        text.AppendLine(CultureInfo.InvariantCulture, $"kernel {File.ReadAllText("/proc/version").Trim()}");
        return text.ToString();
    }

    private static async Task AddMappingAsync(BundleWriter bundle, string socket, CancellationToken cancellationToken)
    {
        try
        {
            using var client = new NodeClient(socket);
            var report = await MappingCommand.ReadAsync(client, askCloud: true, cancellationToken).ConfigureAwait(false);
            bundle.Add("mapping.json", JsonSerializer.Serialize(report, CliJson.Readable.MappingReport));
        }
        catch (RpcException e) when (!cancellationToken.IsCancellationRequested)
        {
            bundle.Add("mapping.error.txt", NodeClient.Explain(e));
        }
    }

    // Of other networks only the names: their files may hold what is theirs.
    private static void AddCni(BundleWriter bundle, string folder)
    {
        AddFile(bundle, "cni/files.txt", () => string.Join('\n', InstallChecks.Configurations(folder)));
        if (File.Exists(Path.Combine(folder, InstallChecks.ConflistName)))
            AddFile(bundle, $"cni/{InstallChecks.ConflistName}", () => File.ReadAllText(Path.Combine(folder, InstallChecks.ConflistName)));
    }

    private static void AddKernel(BundleWriter bundle)
    {
        KernelSide? kernel = null;
        AddFile(bundle, "kernel/links.txt", () => Lines((kernel = KernelSide.Read()).Links.Select(RuleText.Of)));
        if (kernel is null) return;
        var names = kernel.Links.ToDictionary(static l => l.Index, static l => l.Name);
        string Name(int index) => names.GetValueOrDefault(index, $"#{index}");
        bundle.Add("kernel/addresses.txt", Lines(kernel.Addresses.Select(a => $"{a.Address} dev {Name(a.LinkIndex)} scope {a.Scope}")));
        bundle.Add("kernel/routes.txt", Lines(kernel.Routes.Select(r => RuleText.Of(r, Name))));
        bundle.Add("kernel/rules.txt", Lines(kernel.Rules.Select(RuleText.Of)));
        var sysctls = s_sysctls.Concat(kernel.Links.Select(static l => Sysctl.InterfaceKey("ipv4", l.Name, "rp_filter")));
        bundle.Add("kernel/sysctls.txt", Lines(sysctls.Select(static key => $"{key} = {ReadSysctl(key)}")));
    }

    private static void AddManifests(BundleWriter bundle, string folder)
    {
        if (!Directory.Exists(folder)) return;
        foreach (var manifest in Directory.EnumerateFiles(folder, "plugin.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            AddFile(bundle, $"plugins/{Path.GetRelativePath(folder, manifest)}", () => File.ReadAllText(manifest));
    }

    private static string End(string path)
    {
        using var file = File.Open(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Seek(-Math.Min(file.Length, MaxLogBytes), SeekOrigin.End);
        using var reader = new StreamReader(file, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    private static void AddFile(BundleWriter bundle, string name, Func<string> read)
    {
        try
        {
            bundle.Add(name, read());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or LinuxException)
        {
            bundle.Add($"{name}.error.txt", e.Message);
        }
    }

    private static string ReadSysctl(string key)
    {
        try
        {
            return Sysctl.Read(key);
        }
        catch (LinuxException)
        {
            return "-";
        }
    }

    private static string Lines(IEnumerable<string> lines) => string.Join('\n', lines) + "\n";
}
