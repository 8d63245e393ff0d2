using CsCheck;
using NuGet.Versioning;
using Terway.Configuration.Plugins.Manifests;
using Terway.Configuration.Plugins.Resolution;

namespace Terway.Host.Tests.Plugins;

/// <summary>Random plugin folders and pools, judged by trying every combination.</summary>
public sealed class PluginResolverPropertyTests
{
    private static readonly string[] s_names = ["A", "B", "C", "D"];
    private static readonly string?[] s_ranges = [null, "[1.0,2.0)", "2.0", "[1.0]", "[3.0,4.0)"];

    private static readonly Gen<(string, string)[]> s_links =
        Gen.Select(Gen.OneOf(s_names), Gen.OneOf("*", "[1.0,2.0)", "2.0", "[3.0,4.0)")).Array[0, 2]
            .Select(links => links.DistinctBy(l => l.Item1).ToArray());

    private static readonly Gen<PluginManifest> s_plugin =
        Gen.Select(Gen.OneOf(s_names), Gen.OneOf("1.0.0", "1.1.0", "2.0.0", "3.0.0"), s_links, s_links, Gen.Int[0, 9])
            .Select((name, version, requires, conflicts, kernel) => PluginResolverTests.P(
                name, version,
                [.. requires.Where(r => r.Item1 != name)],
                [.. conflicts.Take(1).Where(c => c.Item1 != name && requires.All(r => r.Item1 != c.Item1))]) with
            { MinKernel = kernel == 0 ? new Version(6, 6) : null });

    private static readonly Gen<(PluginManifest[] Plugins, PluginRequest[] Requests)> s_pool = Gen.Select(
        s_plugin.Array[0, 9].Select(plugins => plugins.DistinctBy(p => p.ToString()).ToArray()),
        Gen.Select(Gen.OneOf(s_names), Gen.OneOf(s_ranges)).Array[1, 3]
            .Select(requests => requests.DistinctBy(r => r.Item1).Select(r => PluginBench.Ask(r.Item1, r.Item2)).ToArray()));

    [Fact]
    public void Resolve_succeeds_exactly_when_some_combination_fits() => s_pool.Sample(pool =>
    {
        var resolution = PluginResolverTests.Resolve(pool.Requests, pool.Plugins);
        var possible = Combinations(pool.Plugins).Any(c => Fits(c, pool.Requests));

        Assert.Equal(possible, resolution.IsValid);
        Assert.Equal(possible, resolution.Findings.Count == 0);
    }, iter: 3000);

    [Fact]
    public void Resolve_result_keeps_every_rule_and_holds_nothing_unasked() => s_pool.Sample(pool =>
    {
        var chosen = PluginResolverTests.Resolve(pool.Requests, pool.Plugins).Plugins.Select(p => p.Manifest).ToList();
        if (chosen.Count == 0)
            return;

        Assert.True(Fits(chosen, pool.Requests));
        Assert.All(chosen, p => Assert.True(pool.Requests.Any(r => r.Name == p.Name) || chosen.Any(o => o.Requires.ContainsKey(p.Name))));
        foreach (var (plugin, index) in chosen.Select((p, i) => (p, i)))
            Assert.All(plugin.Requires.Keys, r => Assert.InRange(chosen.FindIndex(p => p.Name == r), 0, index - 1));
    }, iter: 3000);

    [Fact]
    public void Resolve_does_not_depend_on_the_order_of_its_input() =>
        Gen.Select(s_pool, Gen.Int).Sample((pool, seed) =>
        {
            var random = new Random(seed);
            var (requests, plugins) = ((PluginRequest[])pool.Requests.Clone(), (PluginManifest[])pool.Plugins.Clone());
            random.Shuffle(requests);
            random.Shuffle(plugins);

            Assert.Equal(Show(PluginResolverTests.Resolve(pool.Requests, pool.Plugins)), Show(PluginResolverTests.Resolve(requests, plugins)));
        }, iter: 2000);

    private static IEnumerable<List<PluginManifest>> Combinations(PluginManifest[] plugins) =>
        s_names.Aggregate<string, IEnumerable<List<PluginManifest>>>([[]], (combinations, name) =>
            [.. combinations.SelectMany(c => plugins.Where(p => p.Name == name).Select(p => (List<PluginManifest>)[.. c, p]).Append(c))]);

    private static bool Fits(List<PluginManifest> set, PluginRequest[] requests) =>
        requests.All(r => set.Exists(p => p.Name == r.Name && (r.Versions ?? VersionRange.All).Satisfies(p.Version)))
        && set.TrueForAll(p => p.MinKernel is null)
        && set.TrueForAll(p => p.Requires.All(r => set.Exists(o => o.Name == r.Key && r.Value.Satisfies(o.Version))))
        && !set.Exists(p => set.Exists(o => p.Conflicts.TryGetValue(o.Name, out var range) && range.Satisfies(o.Version)))
        && !set.Exists(p => Reaches(p, p.Name, set, []));

    private static bool Reaches(PluginManifest from, string goal, List<PluginManifest> set, HashSet<string> seen) =>
        from.Requires.Keys.Any(r => r == goal || (seen.Add(r) && set.Find(p => p.Name == r) is { } next && Reaches(next, goal, set, seen)));

    private static string Show(PluginResolution resolution) =>
        string.Join('\n', [.. resolution.Plugins.Select(p => $"{p.Manifest} {p.Why} {p.Required}"), .. resolution.Findings.Select(f => f.ToString())]);
}
