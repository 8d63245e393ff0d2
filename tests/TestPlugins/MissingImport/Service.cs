using System.Composition;
using Terway.Plugin;

namespace MissingImport;

/// <summary>Nobody exports it.</summary>
public interface IClock
{
    DateTimeOffset Now { get; }
}

[Shared]
[Export(typeof(INodeService))]
public sealed class Service : INodeService
{
    private readonly IClock _clock;

    [ImportingConstructor]
    public Service(IPluginHost host, IClock clock, [Import("spare")] Lazy<IClock> spare, [ImportMany] IEnumerable<IClock> others, [Import(AllowDefault = true)] IClock? maybe)
    {
        _ = (host, spare, others, maybe);
        _clock = clock;
    }

    public Finding? Health => _clock.Now > DateTimeOffset.MinValue ? null : throw new NotSupportedException();

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
