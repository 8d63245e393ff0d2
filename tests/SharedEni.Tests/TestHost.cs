using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Terway.Plugins.SharedEni.Tests;

internal sealed class TestHost : IPluginHost
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Finding> _findings = [];

    public required NodeFacts Node { get; init; }

    public required JsonElement Settings { get; init; }

    public required IReadOnlyList<IAddressFamily> Families { get; init; }

    public required ICloud Cloud { get; init; }

    public required IPluginStore Store { get; init; }

    public required TimeProvider Time { get; init; }

    public required TestFabric Fabric { get; init; }

    public required TestDisk Disk { get; init; }

    public required CrashPoint Crash { get; init; }

    public ILoggerFactory Loggers { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Everything ever shown, oldest first.</summary>
    public List<(string Path, Finding? Finding)> Reports { get; } = [];

    public IReadOnlyDictionary<string, Finding> Findings
    {
        get
        {
            lock (_gate)
            {
                return _findings.ToDictionary();
            }
        }
    }

    public Task<NodeLink> WaitForLinkAsync(string mac, TimeSpan timeout, CancellationToken cancellationToken) =>
        Fabric.WaitAsync(mac, timeout, Time, cancellationToken);

    public Task WaitForLinkGoneAsync(string mac, CancellationToken cancellationToken) => Fabric.WaitGoneAsync(mac, cancellationToken);

    public Task EnsureNodeObjectsAsync(string key, IReadOnlyList<KernelObject> objects, CancellationToken cancellationToken) =>
        Crash.PassAsync(async () =>
        {
            await Task.Yield();
            lock (Disk.Gate)
            {
                Disk.NodeObjects[key] = objects;
            }

            return true;
        }, cancellationToken);

    public Task RemoveNodeObjectsAsync(string key, CancellationToken cancellationToken) =>
        Crash.PassAsync(async () =>
        {
            await Task.Yield();
            lock (Disk.Gate)
            {
                Disk.NodeObjects.Remove(key);
            }

            return true;
        }, cancellationToken);

    public void Report(string path, Finding? finding)
    {
        lock (_gate)
        {
            Reports.Add((path, finding));
            if (finding is null)
            {
                _findings.Remove(path);
            }
            else
            {
                _findings[path] = finding;
            }
        }
    }
}
