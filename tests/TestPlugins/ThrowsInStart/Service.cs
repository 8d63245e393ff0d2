using System.Composition;
using Terway.Plugin;

namespace ThrowsInStart;

[Shared]
[Export(typeof(INodeService))]
public sealed class Service : INodeService
{

    public Finding? Health => null;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        throw new InvalidOperationException("the device is not there");
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
