using Terway.EndToEnd.Tests.Callers;

namespace Terway.EndToEnd.Tests.Fixtures;

/// <summary>One containerd for a class's tests, started by the first that runs.</summary>
public sealed class ContainerdOnNode(TwoNodes nodes) : IAsyncDisposable
{
    private Containerd? _containerd;

    internal Containerd Containerd => _containerd ?? throw new InvalidOperationException("call StartAsync first");

    internal async Task StartAsync(CancellationToken ct)
    {
        if (_containerd is not null)
            return;
        _containerd = await Containerd.StartAsync(nodes.Node, nodes.FolderOf("containerd"), nodes.BinaryFolders, ct);
        await _containerd.WaitNetworkReadyAsync(ct);
    }

    public async ValueTask DisposeAsync()
    {
        if (_containerd is not null)
            await _containerd.DisposeAsync();
    }
}
