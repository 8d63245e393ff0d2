using System.Composition;
using Terway.Plugin;

namespace ShipsContract;

[Shared]
[Export(typeof(INodeService))]
public sealed class Service : INodeService
{

    public Finding? Health => null;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
