using System.Composition;
using Terway.Plugin;

namespace HangsInStart;

[Shared]
[Export(typeof(INodeService))]
public sealed class Service : INodeService
{

    public Finding? Health => null;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        // Neither returns nor looks at its token.
        Thread.Sleep(Timeout.Infinite);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
