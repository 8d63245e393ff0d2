using System.Composition;
using Terway.Plugin;

namespace HangsInConstructor;

[Shared]
[Export(typeof(INodeService))]
public sealed class Service : INodeService
{
    public Service() => Thread.Sleep(Timeout.Infinite);

    public Finding? Health => null;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
