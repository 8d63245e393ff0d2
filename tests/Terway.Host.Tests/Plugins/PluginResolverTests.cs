using System.Text.Json;
using NuGet.Versioning;
using Terway.Configuration.Plugins.Manifests;
using Terway.Configuration.Plugins.Resolution;
using static Terway.Host.Tests.Plugins.PluginBench;

namespace Terway.Host.Tests.Plugins;

public sealed class PluginResolverTests
{
    [Fact]
    public void Resolve_requirement_is_added_before_and_explained()
    {
        var resolution = Resolve([Ask("NetworkPolicy"), Ask("SharedEni")],
            P("SharedEni", "1.0.0"), P("NetworkPolicy", "1.0.0", requires: [("DataPathV2", "[1.0,2.0)")]), P("DataPathV2", "1.1.0"), P("DataPathV2", "2.0.0"));

        Assert.Equal(
            [
                "DataPathV2 1.1.0: added because NetworkPolicy requires it ([1.0,2.0)); 2.0.0 passed over: NetworkPolicy 1.0.0 requires [1.0,2.0)",
                "NetworkPolicy 1.0.0: listed by the pool; the newest version there is",
                "SharedEni 1.0.0: listed by the pool; the newest version there is",
            ],
            resolution.Plugins.Select(p => $"{p.Manifest}: {p.Why}"));
    }

    [Fact]
    public void Resolve_newest_does_not_fit_steps_back_to_one_that_does()
    {
        var resolution = Resolve([Ask("A"), Ask("B", "[1.0,2.0)")],
            P("A", "2.0.0", requires: [("B", "2.0")]), P("A", "1.0.0", requires: [("B", "1.0")]), P("B", "1.0.0"), P("B", "2.0.0"));

        Assert.Equal(["B 1.0.0", "A 1.0.0"], resolution.Plugins.Select(p => p.Manifest.ToString()));
        Assert.Equal("listed by the pool; 2.0.0 passed over: it requires B 2.0", resolution.Plugins[1].Why);
    }

    [Fact]
    public void Resolve_version_that_the_node_cannot_run_is_passed_over_with_the_reason()
    {
        var resolution = Resolve([Ask("A")], P("A", "1.0.0"), P("A", "2.0.0") with { MinKernel = new Version(6, 6) });

        Assert.Equal("listed by the pool; 2.0.0 passed over: A 2.0.0 needs kernel 6.6, this node runs 5.10.134", Assert.Single(resolution.Plugins).Why);
    }

    [Fact]
    public void Resolve_all_findings_come_at_once()
    {
        Finds(
            [Ask("Missing"), Ask("sharedeni"), Ask("Old", "[2.0,3.0)"), Ask("Kernel"), Ask("Trunk"), Ask("Future"), Ask("Pinned") with { Sha256 = "abc" }],
            [
                P("SharedEni", "1.0.0"), P("Old", "1.0.0"), P("Old", "1.5.0"), P("Kernel", "1.0.0") with { MinKernel = new Version(6, 1) },
                P("Trunk", "1.0.0") with { Cloud = ["EniTrunkSupported", "Magic"] }, P("Future", "1.0.0") with { Contract = VersionRange.Parse("[2.0,3.0)") },
                P("Pinned", "1.0.0"),
            ],
            "plugins[Future]: Future 1.0.0 works with contract [2.0,3.0), this host speaks 1.0; update the host, or install a version built for an older contract",
            "plugins[Kernel]: Kernel 1.0.0 needs kernel 6.1, this node runs 5.10.134; use a newer node image, or take the plugin out of this pool",
            "plugins[Missing]: plugin Missing is not installed; install it in '/plugins', or use one of Future, Kernel, Old, Pinned, SharedEni, Trunk",
            "plugins[Old].version: no installed version of Old is in [2.0,3.0); installed: 1.5.0, 1.0.0; install a version in that range, or change the range",
            "plugins[Pinned].sha256: 'abc' is no SHA-256; give the digest of the plugin's folder as 64 hex digits",
            "plugins[Trunk]: Trunk 1.0.0 needs EniTrunkSupported, which this instance type does not have; use another instance type, or take the plugin out of this pool",
            "plugins[Trunk]: Trunk 1.0.0 needs Magic, which this host does not know; update the host; it knows EniTrunkSupported, EniIpv6Supported",
            "plugins[sharedeni]: plugin sharedeni is not installed; did you mean SharedEni? Names are case-sensitive");
    }

    [Fact]
    public void Resolve_conflict_names_both_sides_their_origin_and_the_way_out() =>
        Finds([Ask("NetworkPolicy"), Ask("ExclusiveEni")],
            [
                P("NetworkPolicy", "1.0.0", requires: [("DataPathV2", "*")]), P("DataPathV2", "1.0.0", conflicts: [("ExclusiveEni", "*")]), P("ExclusiveEni", "1.0.0"),
            ],
            "plugins[NetworkPolicy]: DataPathV2 1.0.0 (added because NetworkPolicy 1.0.0 requires it (*)) and ExclusiveEni 1.0.0 cannot be active on the same node: "
            + "DataPathV2 conflicts with ExclusiveEni *; remove DataPathV2 or ExclusiveEni from the pool's list; nodes that need the other one go into a pool of their own");

    [Fact]
    public void Resolve_cycle_is_named_in_order() =>
        Finds([Ask("C")],
            [P("A", "1.0.0", requires: [("B", "*")]), P("B", "1.0.0", requires: [("C", "*")]), P("C", "1.0.0", requires: [("A", "*")])],
            "plugins[C]: plugins require each other in a circle: A -> B -> C -> A; install a version of one of them that does not require the next");

    [Fact]
    public void Resolve_requirement_against_the_list_names_both_ranges() =>
        Finds([Ask("NetworkPolicy"), Ask("DataPathV2", "[2.0,3.0)")],
            [P("NetworkPolicy", "1.0.0", requires: [("DataPathV2", "[1.0,2.0)")]), P("DataPathV2", "1.0.0"), P("DataPathV2", "2.0.0")],
            "plugins[NetworkPolicy]: NetworkPolicy 1.0.0 requires DataPathV2 [1.0,2.0), but the pool lists DataPathV2 as [2.0,3.0); installed: 2.0.0, 1.0.0; "
            + "change the version of NetworkPolicy or of DataPathV2 in the pool's list, or install a version of DataPathV2 in [1.0,2.0)");

    [Fact]
    public void Resolve_requirement_not_installed_says_who_needs_it() =>
        Finds([Ask("NetworkPolicy")], [P("NetworkPolicy", "1.0.0", requires: [("DataPathV2", "[1.0,2.0)")])],
            "plugins[NetworkPolicy]: plugin DataPathV2, which NetworkPolicy 1.0.0 requires ([1.0,2.0)), is not installed; install it in '/plugins', or use one of NetworkPolicy");

    [Fact]
    public void Resolve_listed_twice_is_an_error() =>
        Finds([Ask("A") with { Path = "plugins[0]" }, Ask("A") with { Path = "plugins[3]" }], [P("A", "1.0.0")],
            "plugins[3]: A is listed twice, also at plugins[0]; keep one entry; only one version of a plugin can be active");

    [Fact]
    public void Resolve_settings_are_checked_against_the_chosen_version()
    {
        using var settings = JsonDocument.Parse("""{"x":1}""");

        Finds([Ask("A") with { Settings = settings.RootElement, Path = "plugins[0]" }], [P("A", "1.0.0")],
            "plugins[0].settings.x: A 1.0.0 has no setting 'x'; remove it; it has no settings");
    }

    [Fact]
    public void Resolve_folder_is_unusable_repeats_its_reasons()
    {
        var catalog = new PluginCatalog("/plugins", [], [new RejectedFolder("A", "1.0.0", ["plugin.json is missing"])]);
        var resolution = PluginResolver.Resolve([Ask("A")], catalog, TestNode.Environment(), HostContract.Current);

        Assert.Equal("plugins[A]: plugin A is not installed in a usable form: 1.0.0: plugin.json is missing; repair or reinstall the plugin's folder",
            Assert.Single(resolution.Findings).ToString());
    }

    [Theory]
    [InlineData(null, "1.0.0")]
    [InlineData("[1.0,3.0)", "1.0.0")]
    [InlineData("[2.0.0-rc.1,3.0)", "2.0.0-rc.1")]
    public void Resolve_prerelease_is_chosen_only_when_named(string? range, string version) =>
        Assert.Equal($"A {version}", Resolve([Ask("A", range)], P("A", "1.0.0"), P("A", "2.0.0-rc.1")).Plugins.Single().Manifest.ToString());

    [Fact]
    public void Resolve_requirement_of_optional_plugin_is_optional()
    {
        var resolution = Resolve([Ask("A") with { Required = false }, Ask("B")],
            P("A", "1.0.0", requires: [("C", "*"), ("D", "*")]), P("B", "1.0.0", requires: [("D", "*")]), P("C", "1.0.0"), P("D", "1.0.0"));

        Assert.Equal(["B", "D"], resolution.Plugins.Where(p => p.Required).Select(p => p.Manifest.Name).Order());
    }

    [Theory]
    [InlineData("1.0", "[1.0,2.0)", true)]
    [InlineData("1.4", "[1.0,2.0)", true)]
    [InlineData("1.4", "[1.5,2.0)", false)]
    [InlineData("2.1", "[1.0,2.0)", true)]
    [InlineData("2.1", "[1.9,2.0)", true)]
    [InlineData("3.0", "[1.0,2.0)", false)]
    [InlineData("2.0", "[1.0]", true)]
    [InlineData("1.0", "[0.1,1.0)", false)]
    [InlineData("1.0", "[2.0,3.0)", false)]
    public void Contract_host_speaks_current_and_previous_major(string host, string range, bool speaks) =>
        Assert.Equal(speaks, new HostContract(Version.Parse(host)).Speaks(VersionRange.Parse(range)));

    [Theory]
    [InlineData("2.1", "2.1", true)]
    [InlineData("2.1", "2.2", false)]
    [InlineData("2.1", "1.9", true)]
    [InlineData("3.0", "1.9", false)]
    public void Contract_assembly_built_newer_or_two_majors_back_is_not_spoken(string host, string built, bool speaks) =>
        Assert.Equal(speaks, new HostContract(Version.Parse(host)).Speaks(Version.Parse(built)));

    [Theory]
    [InlineData("5.10.134-16.al8.x86_64", "5.10.134")]
    [InlineData("6.1.0-18-amd64", "6.1.0")]
    [InlineData("6.18", "6.18")]
    [InlineData("7-rc1", "7.0")]
    [InlineData("nonsense", "0.0")]
    public void Kernel_release_is_read(string release, string version) => Assert.Equal(Version.Parse(version), NodeEnvironment.ParseKernel(release));

    internal static PluginManifest P(string name, string version, (string, string)[]? requires = null, (string, string)[]? conflicts = null) => new()
    {
        Name = name,
        Version = NuGetVersion.Parse(version),
        Assembly = $"{name}.dll",
        Contract = VersionRange.Parse("[1.0,2.0)"),
        Provides = ["INodeService"],
        Requires = Ranges(requires),
        Conflicts = Ranges(conflicts),
    };

    internal static PluginResolution Resolve(IReadOnlyList<PluginRequest> requests, params IEnumerable<PluginManifest> plugins) =>
        PluginResolver.Resolve(requests, new PluginCatalog("/plugins", plugins.Select(m => new DiscoveredPlugin($"/plugins/{m.Name}/{m.Version}", m)), []),
            TestNode.Environment(trunk: false), HostContract.Current);

    private static SortedDictionary<string, VersionRange> Ranges((string Name, string Range)[]? ranges) =>
        new((ranges ?? []).ToDictionary(r => r.Name, r => r.Range == "*" ? VersionRange.All : VersionRange.Parse(r.Range)), StringComparer.Ordinal);

    private static void Finds(PluginRequest[] requests, PluginManifest[] plugins, params string[] findings)
    {
        var resolution = Resolve(requests, plugins);
        Assert.Equal(findings, resolution.Findings.Select(f => f.ToString()));
        Assert.False(resolution.IsValid);
        Assert.Empty(resolution.Plugins);
    }
}
