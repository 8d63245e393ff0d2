using System.Composition.Hosting;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Text.Json;
using Terway.EniPool.Configuration;

namespace Terway.Plugins.SharedEni.Tests;

/// <summary>The built plugin as the host has it: in a load context and a container of its own.</summary>
public sealed class LoadingTests
{
    private static readonly string s_folder = Path.GetDirectoryName(typeof(SharedEniProvider).Assembly.Location)!;

    [Fact]
    public async Task Load_serve_stop_unloads_cleanly()
    {
        await using var node = await TestNode.CreateAsync("""{"vswitches": {"cn-hangzhou-i": ["vsw-pods"]}, "min_pool_size": 3, "max_pool_size": 5}""");
        var context = await LiveAsync(node);

        for (var i = 0; i < 50 && context.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Delay(10);
        }

        Assert.False(context.IsAlive, "the plugin's load context is still referenced");
    }

    [Fact]
    public void Manifest_names_the_exported_roles_and_every_setting_that_is_read()
    {
        using var manifest = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(s_folder, "plugin.json")));
        var root = manifest.RootElement;

        Assert.Equal("SharedEni", root.GetProperty("name").GetString());
        Assert.Equal(
            new[] { "IAddressProvider", "IDatapath", "INodeService" },
            root.GetProperty("provides").EnumerateArray().Select(p => p.GetString()));
        Assert.Equal(typeof(SharedEniProvider).Assembly.GetName().Version!.ToString(3), root.GetProperty("version").GetString());

        // A value of an impossible type in each declared key is noticed by whatever reads that key.
        var properties = root.GetProperty("settings").GetProperty("properties").EnumerateObject().ToArray();
        var keys = properties.Select(p => p.Name).ToArray();
        using var settings = JsonDocument.Parse(
            "{" + string.Join(",", properties.Select(p => $"\"{p.Name}\": {(p.Value.GetProperty("type").GetString() == "boolean" ? "1" : "true")}")) + "}");
        var node = new NodeFacts
        {
            NodeName = "n",
            InstanceId = "i-1",
            InstanceType = "t",
            RegionId = "r",
            ZoneId = "z",
            VpcId = "v",
            VSwitchId = "vsw",
            PrimaryMac = "m",
            Addresses = [],
            EniQuantity = 8,
            EniTotalQuantity = 8,
            EniPrivateIpAddressQuantity = 30,
            EniIpv6AddressQuantity = 30,
            EniTrunkSupported = false,
        };
        var problems = SettingsReader.Read(settings.RootElement, node).Problems;
        Assert.Equal(keys.Select(k => $"$.{k}").Order(StringComparer.Ordinal), problems.Select(p => p.Path).Order(StringComparer.Ordinal));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference> LiveAsync(TestNode node)
    {
        var context = new Context(s_folder);
        var assembly = context.LoadFromAssemblyPath(Path.Combine(s_folder, "SharedEni.dll"));
        Assert.NotSame(typeof(SharedEniProvider).Assembly, assembly);
        using (var container = new ContainerConfiguration().WithAssembly(assembly).WithExport<IPluginHost>(node.Host).CreateContainer())
        {
            var provider = Assert.Single(container.GetExports<IAddressProvider>());
            var service = Assert.Single(container.GetExports<INodeService>());
            Assert.Same(provider, service);
            Assert.Single(container.GetExports<IDatapath>());
            await provider.RestoreAsync([], new Dictionary<System.Net.IPAddress, DateTimeOffset>(), default);
            await node.RunAsync(service.StartAsync(default));
            var pod = await node.RunAsync(provider.AllocateAsync(node.Pod(), default).AsTask());
            provider.Release(pod, used: true);
            await node.RunAsync(service.StopAsync(default));
        }

        context.Unload();
        return new WeakReference(context);
    }

    private sealed class Context(string folder) : AssemblyLoadContext("SharedEni", isCollectible: true)
    {
        // The plugin's own copies; what the host shares comes from the host.
        protected override Assembly? Load(AssemblyName assemblyName) =>
            assemblyName.Name == "Terway.AlibabaCloud" ? LoadFromAssemblyPath(Path.Combine(folder, "Terway.AlibabaCloud.dll")) : null;
    }
}
