using System.Composition.Hosting;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Text.Json;

namespace Terway.Plugins.IPv6DualStack.Tests;

/// <summary>The built plugin as the host has it: in a load context and a container of its own.</summary>
public sealed class LoadingTests
{
    private static readonly string s_folder = Path.GetDirectoryName(typeof(Ipv6Family).Assembly.Location)!;

    [Fact]
    public void Manifest_agrees_with_the_assembly()
    {
        using var manifest = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(s_folder, "plugin.json")));
        var root = manifest.RootElement;

        Assert.Equal("IPv6DualStack", root.GetProperty("name").GetString());
        Assert.Equal(["IAddressFamily", "INodeService"], root.GetProperty("provides").EnumerateArray().Select(static p => p.GetString()!));
        Assert.Equal(typeof(Ipv6Family).Assembly.GetName().Version!.ToString(3), root.GetProperty("version").GetString());
        Assert.Equal("EniIpv6Supported", Assert.Single(root.GetProperty("cloud").EnumerateArray()).GetString());
    }

    [Fact]
    public async Task Load_serve_stop_unloads_cleanly()
    {
        await using var cloud = await TestCloud.StartAsync();
        var context = await LiveAsync(new TestHost(cloud, TestHost.Facts(cloud.Instance.Id)));

        for (var i = 0; i < 50 && context.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        Assert.False(context.IsAlive, "the plugin's load context is still referenced");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference> LiveAsync(TestHost host)
    {
        var context = new Context();
        var assembly = context.LoadFromAssemblyPath(Path.Combine(s_folder, "IPv6DualStack.dll"));
        Assert.NotSame(typeof(Ipv6Family).Assembly, assembly);
        using (var container = new ContainerConfiguration().WithAssembly(assembly).WithExport<IPluginHost>(host).CreateContainer())
        {
            var family = Assert.Single(container.GetExports<IAddressFamily>());
            var service = Assert.Single(container.GetExports<INodeService>());
            Assert.NotEmpty(family.NodeObjects("eth1"));
            await service.StartAsync(default);
            await service.StopAsync(default);
        }

        context.Unload();
        return new WeakReference(context);
    }

    private sealed class Context() : AssemblyLoadContext("IPv6DualStack", isCollectible: true)
    {
        // The plugin's own copies; what the host shares comes from the host.
        protected override Assembly? Load(AssemblyName assemblyName) =>
            assemblyName.Name == "Terway.AlibabaCloud" ? LoadFromAssemblyPath(Path.Combine(s_folder, "Terway.AlibabaCloud.dll")) : null;
    }
}
