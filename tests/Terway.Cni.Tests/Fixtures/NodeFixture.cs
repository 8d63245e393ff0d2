using System.Diagnostics;
using Terway.Cni.Tests.Fixtures;

[assembly: AssemblyFixture(typeof(NodeFixture))]

namespace Terway.Cni.Tests.Fixtures;

/// <summary>
/// What every test of the binary shares: the NativeAOT binary itself - of the current sources, or the one that TERWAY_CNI names -
/// and a network namespace for ADD and CHECK.
/// </summary>
public sealed class NodeFixture : IAsyncLifetime
{
    private readonly string _nsName = "twt-" + Guid.NewGuid().ToString("N")[..8];

    public string Binary { get; private set; } = "";

    public string NetNs => "/run/netns/" + _nsName;

    public async ValueTask InitializeAsync()
    {
        Binary = Environment.GetEnvironmentVariable("TERWAY_CNI") ?? await Build();
        Assert.True(File.Exists(Binary), $"there is no CNI binary at {Binary}");
        await Run("ip", "netns", "add", _nsName);
    }

    public async ValueTask DisposeAsync() => await Run("ip", "netns", "delete", _nsName);

    private static async Task<string> Build()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "Terway.sln")))
            root = root.Parent;
        Assert.NotNull(root);
        await Run(Path.Combine(root.FullName, "build.sh"), "cni"); // at once when nothing changed
        return Path.Combine(root.FullName, "dist/cni/terway");
    }

    private static async Task Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name); // the test runner's own, which would mislead a build
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {await output}{await error}");
    }
}
