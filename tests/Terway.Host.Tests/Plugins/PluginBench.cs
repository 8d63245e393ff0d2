using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using NuGet.Versioning;
using Terway.Configuration.Plugins.Resolution;
using Terway.Host.Plugins;

namespace Terway.Host.Tests.Plugins;

/// <summary>Resolves and loads the plugins of a test's folder.</summary>
internal sealed class PluginBench(PluginFolder folder)
{
    public ConcurrentDictionary<string, FakeHost> Hosts { get; } = new();

    public PluginSetOptions Options { get; init; } = new();

    public static PluginRequest Ask(string name, string? versions = null) =>
        new(name) { Versions = versions is null ? null : VersionRange.Parse(versions) };

    public PluginResolution Resolve(params IReadOnlyList<PluginRequest> requests) =>
        PluginResolver.Resolve(requests, folder.Discover(), TestNode.Environment(), HostContract.Current);

    public Task<PluginSet> LoadAsync(params IReadOnlyList<PluginRequest> requests) =>
        PluginSet.LoadAsync(
            Resolve(requests),
            (plugin, families) => Hosts[plugin.Manifest.Name] = new FakeHost(plugin, families),
            NullLoggerFactory.Instance, TimeProvider.System, Options, TestContext.Current.CancellationToken);

    public Task<PluginSet> LoadAsync(params IReadOnlyList<string> names) => LoadAsync([.. names.Select(n => Ask(n))]);
}
