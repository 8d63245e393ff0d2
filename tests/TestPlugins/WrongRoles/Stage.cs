using System.Composition;
using Terway.Plugin;

namespace WrongRoles;

[Export(typeof(IPodStage))]
[Export(typeof(INodeService))]
public sealed class Stage : IPodStage, INodeService
{
    public Stage(string name) => _ = name;

    public int Order => 1;

    public Finding? Health => null;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
