using System.Composition;
using Terway.Plugin;

namespace NewerContract;

[Shared]
[Export(typeof(INodeService))]
public sealed class Service : INodeService, INewRole
{

    public int Answer => 42;

    public Finding? Health => null;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
