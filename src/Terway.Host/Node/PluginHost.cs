using System.Text.Json;
using Microsoft.Extensions.Logging;
using Terway.Host.Kernel;
using Terway.Plugin;

namespace Terway.Host.Node;

/// <summary>What one plugin imports.</summary>
internal sealed class PluginHost(
    string plugin,
    NodeFacts node,
    JsonElement settings,
    IReadOnlyList<IAddressFamily> families,
    ICloud cloud,
    IPluginStore store,
    ILoggerFactory loggers,
    TimeProvider time,
    INodeKernel kernel,
    NodeObjects objects,
    NodeReadiness readiness,
    string bpfFolder,
    string? cgroupRoot,
    IServiceSource? services) : IPluginHost
{
    private readonly ILogger _findings = loggers.CreateLogger($"Terway.Plugins.{plugin}");

    public NodeFacts Node => node;

    public JsonElement Settings => settings;

    public IReadOnlyList<IAddressFamily> Families => families;

    public ICloud Cloud => cloud;

    public IPluginStore Store => store;

    public ILoggerFactory Loggers => loggers;

    public TimeProvider Time => time;

    public string BpfFolder => bpfFolder;

    public string? CgroupRoot => cgroupRoot;

    public IServiceSource? Services => services;

    public Task<NodeLink> WaitForLinkAsync(string mac, TimeSpan timeout, CancellationToken cancellationToken) =>
        kernel.WaitForLinkAsync(mac, timeout, cancellationToken);

    public Task WaitForLinkGoneAsync(string mac, CancellationToken cancellationToken) => kernel.WaitForLinkGoneAsync(mac, cancellationToken);

    public Task EnsureNodeObjectsAsync(string key, IReadOnlyList<KernelObject> nodeObjects, CancellationToken cancellationToken) =>
        objects.EnsureAsync(plugin, key, nodeObjects, cancellationToken);

    public Task RemoveNodeObjectsAsync(string key, CancellationToken cancellationToken) => objects.RemoveAsync(plugin, key, cancellationToken);

    public void Report(string path, Finding? finding)
    {
        readiness.Report($"{plugin}/{path}", finding);
        if (finding is not null) HostLog.Finding(_findings, finding.Severity == FindingSeverity.Info ? LogLevel.Information : LogLevel.Warning, path, finding.Reason, finding.Fix);
    }
}
