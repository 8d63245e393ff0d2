using Terway.Host.Kernel;
using Terway.Plugin;

namespace Terway.Host.Tests.Fixtures;

/// <summary>The node's kernel, in memory: makes and removes object by object, so that a failure or a kill finds half of the work done.</summary>
internal sealed class FakeKernel(World world, Steps steps) : INodeKernel
{
    public Dictionary<string, string> Sysctls { get; } = [];

    public bool HasEniLink { get; set; } = true;

    public NodeLink? FindLink(string mac) => HasEniLink && mac == Samples.EniLink.Mac ? Samples.EniLink : null;

    public async Task<NodeLink> WaitForLinkAsync(string mac, TimeSpan timeout, CancellationToken cancellationToken)
    {
        await steps.PassAsync("wait for link", cancellationToken);
        return FindLink(mac) ?? throw new TimeoutException();
    }

    public Task WaitForLinkGoneAsync(string mac, CancellationToken cancellationToken) => Task.Delay(Timeout.Infinite, cancellationToken);

    public async Task ApplyAsync(IReadOnlyList<KernelObject> objects, string? netNsPath)
    {
        await steps.PassAsync("apply");
        for (var i = 0; i < objects.Count; i++)
        {
            if (objects[i] is KernelObject.Sysctl sysctl) Sysctls[sysctl.Path] = sysctl.Value;
            world.Make(steps, objects[i], netNsPath);
            await steps.PassAsync($"applied {i}");
        }
    }

    public async Task ReturnNicsAsync(IReadOnlyList<KernelObject.Nic> nics, string netNsPath, ulong netNsInode)
    {
        await steps.PassAsync("return");
        foreach (var nic in nics) world.Return(steps, nic);
        await steps.PassAsync("returned");
    }

    public async Task RemoveAsync(IReadOnlyList<IReadOnlyList<KernelObject>> plans)
    {
        await steps.PassAsync("remove");
        foreach (var plan in plans)
        {
            foreach (var o in plan)
            {
                world.Remove(steps, [o]);
                await steps.PassAsync("removed one");
            }
        }

        await steps.PassAsync("removed");
    }

    public Task<IReadOnlyList<string>> FindMissingAsync(IReadOnlyList<KernelObject> objects, string? netNsPath) =>
        Task.FromResult<IReadOnlyList<string>>([.. objects.Where(o => !world.Has(o, netNsPath)).Select(static o => o.ToString())]);

    public async Task<bool> RepairAsync(IReadOnlyList<KernelObject> objects, string? netNsPath, Func<bool> wanted)
    {
        if (!wanted()) return false;
        await ApplyAsync(objects, netNsPath);
        return true;
    }

    public Task<IReadOnlyList<IReadOnlyList<MissingObject>>> FindMissingOnNodeAsync(IReadOnlyList<IReadOnlyList<KernelObject>> plans) =>
        Task.FromResult<IReadOnlyList<IReadOnlyList<MissingObject>>>(
            [.. plans.Select(p => (IReadOnlyList<MissingObject>)[.. p.Where(o => !o.InPod && !world.Has(o, null)).Select(static o => new MissingObject(o, o.ToString()))])]);

    public Task<int> RemoveUnplannedAsync(Func<IReadOnlyList<IReadOnlyList<KernelObject>>> plans) => Task.FromResult(world.RemoveUnplanned(plans()));

    public string? ReadSysctl(string path) => Sysctls.GetValueOrDefault(path);
}
