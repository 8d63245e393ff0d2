using System.Composition;
using System.Net;
using Greeting;
using Microsoft.Extensions.Logging;
using Terway.Plugin;

namespace Good;

[Shared]
[Export(typeof(IAddressProvider))]
[Export(typeof(IDatapath))]
[Export(typeof(INodeService))]
public sealed class Everything : IAddressProvider, IDatapath, INodeService, IAsyncDisposable
{
    private readonly IPluginHost _host;
    private readonly Steps _steps;

    [ImportingConstructor]
    public Everything(IPluginHost host, Steps steps)
    {
        _host = host;
        _steps = steps;
        host.Loggers.CreateLogger<Everything>().LogInformation("constructed with {Families} families", host.Families.Count);
    }

    public Finding? Health => _host.Settings.TryGetProperty("health", out var text)
        ? new Finding(FindingSeverity.Warning, text.GetString()!, "nothing to do") : null;

    public ClaimStrength Claims(PodInterface pod) => ClaimStrength.Default;

    public Task RestoreAsync(IReadOnlyList<Allocation> live, IReadOnlyDictionary<IPAddress, DateTimeOffset> released, CancellationToken cancellationToken) =>
        Task.CompletedTask;

    public ValueTask<Allocation> AllocateAsync(PodInterface pod, CancellationToken cancellationToken) => throw new NotSupportedException();

    public void Release(Allocation allocation, bool used)
    {
    }

    public Capacity GetCapacity() => new(_host.Families.Count, 0, 0, 0, $"{Words.Hello()} [{string.Join(',', _steps.Done)}]");

    public ClaimStrength Carries(PodInterface pod, Allocation allocation) => ClaimStrength.Default;

    public IReadOnlyList<KernelObject> Plan(Attachment attachment) => [new KernelObject.Link("eth1")];

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _steps.Done.Add("start");
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _steps.Done.Add("stop");
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _host.Report("steps", new Finding(FindingSeverity.Info, string.Join(',', _steps.Done), ""));
        return ValueTask.CompletedTask;
    }
}
