using System.Composition;
using Terway.Plugin;

namespace ThrowsInConstructor;

[Shared]
[Export(typeof(INodeService))]
[method: ImportingConstructor]
public sealed class Service(Pool pool) : INodeService
{
    public Finding? Health => pool.GetHashCode() != 0 ? null : throw new NotSupportedException();

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>A part that only another part imports: the message must name this one.</summary>
[Shared]
[Export]
public sealed class Pool
{
    public Pool() => throw new InvalidOperationException("no pool without water");
}
