using Terway.Host.Plugins;
using Terway.Configuration.Plugins.Manifests;
using Terway.Plugin;
using static Terway.Host.Tests.Plugins.PluginBench;

namespace Terway.Host.Tests.Plugins;

public sealed class PluginLoadingTests
{
    private static readonly PluginSetOptions s_hasty = new() { Compose = TimeSpan.FromSeconds(1), Start = TimeSpan.FromSeconds(1) };

    [Fact]
    public async Task Load_two_versions_side_by_side_each_uses_its_own_library()
    {
        using var folder = new PluginFolder("Good/1.0.0", "Good/2.0.0");
        await using var one = await new PluginBench(folder).LoadAsync(Ask("Good", "[1.0,2.0)"));
        await using var two = await new PluginBench(folder).LoadAsync(Ask("Good"));

        Assert.Equal("hello 1 from 1.0 []", one.Providers[0].Role.GetCapacity().Exhausted);
        Assert.Equal("hello you 1 from 2.0 []", two.Providers[0].Role.GetCapacity().Exhausted);
        Assert.Equal("2.0.0", two.Providers[0].Plugin.Manifest.Version.ToString());
    }

    [Fact]
    public async Task Load_same_version_twice_statics_of_private_library_are_apart()
    {
        using var folder = new PluginFolder("Good/1.0.0");
        await using var one = await new PluginBench(folder).LoadAsync("Good");
        await using var two = await new PluginBench(folder).LoadAsync("Good");

        one.Providers[0].Role.GetCapacity();
        Assert.Equal("hello 2 from 1.0 []", one.Providers[0].Role.GetCapacity().Exhausted);
        Assert.Equal("hello 1 from 1.0 []", two.Providers[0].Role.GetCapacity().Exhausted);
    }

    [Fact]
    public async Task Load_good_plugin_one_object_plays_all_its_roles()
    {
        using var folder = new PluginFolder("Good");
        await using var set = await new PluginBench(folder).LoadAsync("Good");

        var provider = Assert.Single(set.Providers).Role;
        Assert.Same(provider, Assert.Single(set.Datapaths).Role);
        Assert.Same(provider, Assert.Single(set.Services).Role);
        Assert.Equal(PluginState.Loaded, Assert.Single(set.Plugins).State);
        Assert.Empty(set.Blocking);
    }

    [Fact]
    public async Task Load_missing_imports_names_plugin_part_and_every_import()
    {
        using var folder = new PluginFolder("MissingImport");
        await using var set = await new PluginBench(folder).LoadAsync("MissingImport");

        Refused(set, PluginState.Rejected,
            "MissingImport 1.0.0: part 'MissingImport.Service' imports MissingImport.IClock (constructor parameter 'clock'), which nothing exports; "
                + "export it from a part of the plugin, or take it from IPluginHost, the only export of the host",
            "MissingImport 1.0.0: part 'MissingImport.Service' imports MissingImport.IClock named 'spare' (constructor parameter 'spare'), which nothing exports; "
                + "export it from a part of the plugin, or take it from IPluginHost, the only export of the host");
    }

    [Fact]
    public async Task Load_constructor_throws_names_the_inner_part_and_the_cause()
    {
        using var folder = new PluginFolder("ThrowsInConstructor");
        await using var set = await new PluginBench(folder).LoadAsync("ThrowsInConstructor");

        Refused(set, PluginState.Faulted,
            "ThrowsInConstructor 1.0.0: the constructor of part 'ThrowsInConstructor.Pool' failed: InvalidOperationException: no pool without water; "
                + "see the message; constructors should only keep what they import, everything that can fail belongs into INodeService.StartAsync");
    }

    [Fact]
    public async Task Load_constructor_hangs_is_named_and_the_others_serve()
    {
        using var folder = new PluginFolder("HangsInConstructor", "Good");
        await using var set = await new PluginBench(folder) { Options = s_hasty }.LoadAsync("HangsInConstructor", "Good");

        Refused(set, PluginState.Faulted,
            "HangsInConstructor 1.0.0: the constructor of part 'HangsInConstructor.Service' (INodeService) did not return within 1 s; constructors should only keep "
                + "what they import: move long work to INodeService.StartAsync or to the background. The hanging thread stays until the daemon restarts");
        Assert.Equal("Good", Assert.Single(set.Providers).Plugin.Manifest.Name);
    }

    [Fact]
    public async Task Load_newer_contract_is_refused_before_anything_is_loaded()
    {
        using var folder = new PluginFolder("NewerContract");
        await using var set = await new PluginBench(folder).LoadAsync("NewerContract");

        Refused(set, PluginState.Rejected,
            "NewerContract 1.0.0: 'NewerContract.dll' is built against contract 1.9, this host speaks 1.0; "
                + "update the host, or build the plugin against Terway.Plugin.Abstractions 1.0");
        Assert.DoesNotContain(AppDomain.CurrentDomain.GetAssemblies(), a => a.GetName().Name == "NewerContract");
    }

    [Fact]
    public async Task Load_plugin_that_ships_shared_assemblies_names_each_file()
    {
        using var folder = new PluginFolder("ShipsContract");
        await using var set = await new PluginBench(folder).LoadAsync("ShipsContract");

        var plugin = Assert.Single(set.Plugins);
        Assert.Equal(PluginState.Rejected, plugin.State);
        Assert.Equal(
            [
                "Microsoft.Extensions.Logging.Abstractions", "System.Composition.AttributedModel", "Terway.Plugin.Abstractions",
            ],
            plugin.Findings.Select(f => f.Fix.Split(' ')[1]).Order());
        Assert.Contains(plugin.Findings, f => f is
        {
            Reason: "ShipsContract 1.0.0: the plugin's folder contains 'Terway.Plugin.Abstractions.dll' (Terway.Plugin.Abstractions 1.0.0.0), which is the host's "
                + "to give; with a copy of its own the plugin's types would not be those of the host",
            Fix: "reference Terway.Plugin.Abstractions with <Private>false</Private> and <ExcludeAssets>runtime</ExcludeAssets>, and remove the file",
        });
    }

    [Fact]
    public async Task Load_contract_under_another_file_name_is_found_by_its_identity()
    {
        using var folder = new PluginFolder("Good", "ShipsContract");
        File.Copy(Path.Combine(folder.Root, "ShipsContract/1.0.0/Terway.Plugin.Abstractions.dll"), Path.Combine(folder.Root, "Good/1.0.0/Innocent.dll"));
        await using var set = await new PluginBench(folder).LoadAsync("Good");

        Assert.StartsWith("Good 1.0.0: the plugin's folder contains 'Innocent.dll' (Terway.Plugin.Abstractions 1.0.0.0)", Assert.Single(set.Plugins[0].Findings).Reason);
    }

    [Fact]
    public async Task Load_entry_that_is_no_assembly_is_refused()
    {
        using var folder = new PluginFolder("Good");
        PluginFolder.Write(Path.Combine(folder.Root, "Good/1.0.0/Good.dll"), "MZ, said the file, and lied");
        await using var set = await new PluginBench(folder).LoadAsync("Good");

        Refused(set, PluginState.Rejected, "Good 1.0.0: entry assembly 'Good.dll' is not a .NET assembly; build the plugin as a class library for net10.0");
    }

    [Fact]
    public async Task Load_entry_missing_is_refused()
    {
        using var folder = new PluginFolder("Good");
        File.Delete(Path.Combine(folder.Root, "Good/1.0.0/Good.dll"));
        await using var set = await new PluginBench(folder).LoadAsync("Good");

        Refused(set, PluginState.Rejected,
            "Good 1.0.0: entry assembly 'Good.dll' is not in the plugin's folder; correct 'assembly' in plugin.json, or copy the whole build output");
    }

    [Fact]
    public async Task Load_private_dependency_missing_names_it()
    {
        using var folder = new PluginFolder("Good");
        File.Delete(Path.Combine(folder.Root, "Good/1.0.0/Greeting.dll"));
        await using var set = await new PluginBench(folder).LoadAsync("Good");

        Refused(set, PluginState.Rejected,
            "Good 1.0.0: 'Good.dll' needs Greeting 1.0.0.0, which is neither in the plugin's folder nor part of .NET; "
                + "publish the plugin with all its dependencies ('dotnet publish' with EnableDynamicLoading) and install the whole output");
    }

    [Fact]
    public async Task Load_private_dependency_replaced_by_junk_is_a_finding()
    {
        using var folder = new PluginFolder("Good");
        PluginFolder.Write(Path.Combine(folder.Root, "Good/1.0.0/Greeting.dll"), "junk");
        await using var set = await new PluginBench(folder).LoadAsync("Good");

        Assert.Contains("Good.dll' needs Greeting 1.0.0.0", Assert.Single(set.Plugins[0].Findings).Reason);
    }

    [Fact]
    public async Task Load_roles_and_manifest_disagree_names_all_differences()
    {
        using var folder = new PluginFolder("WrongRoles");
        await using var set = await new PluginBench(folder).LoadAsync("WrongRoles");

        Assert.Equal(
            [
                "WrongRoles 1.0.0: part 'WrongRoles.Stage' exports IPodStage and INodeService without [Shared], so that each import and each role would get an object of its own",
                "WrongRoles 1.0.0: part 'WrongRoles.Stage' has neither a constructor with [ImportingConstructor] nor a public one without parameters",
                "WrongRoles 1.0.0: plugin.json says that it provides IDatapath, but no part exports it",
                "WrongRoles 1.0.0: part 'WrongRoles.Stage' exports IPodStage, which plugin.json does not say",
            ],
            set.Plugins[0].Findings.Select(f => f.Reason));
    }

    [Fact]
    public async Task Load_pinned_digest_matches_loads_and_a_changed_byte_is_refused()
    {
        using var folder = new PluginFolder("Good");
        var pin = PluginDigest.Compute(Path.Combine(folder.Root, "Good/1.0.0"));
        await using (var set = await new PluginBench(folder).LoadAsync(Ask("Good") with { Sha256 = pin.ToUpperInvariant() }))
            Assert.Equal(PluginState.Loaded, set.Plugins[0].State);

        folder.EditManifest("Good/1.0.0", m => m["description"] = "changed");
        await using var changed = await new PluginBench(folder).LoadAsync(Ask("Good") with { Sha256 = pin });
        var finding = Assert.Single(changed.Plugins[0].Findings);
        Assert.Equal($"Good 1.0.0: the pool pins SHA-256 {pin}, the plugin's folder has {PluginDigest.Compute(Path.Combine(folder.Root, "Good/1.0.0"))}", finding.Reason);
    }

    [Fact]
    public async Task Load_folder_that_became_writable_after_discovery_is_refused()
    {
        using var folder = new PluginFolder("Good");
        var bench = new PluginBench(folder);
        var resolution = bench.Resolve(Ask("Good"));
        var dll = Path.Combine(folder.Root, "Good/1.0.0/Good.dll");
        File.SetUnixFileMode(dll, File.GetUnixFileMode(dll) | UnixFileMode.OtherWrite);
        await using var set = await PluginSet.LoadAsync(resolution, (p, f) => new FakeHost(p, f),
            Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, TimeProvider.System, cancellationToken: TestContext.Current.CancellationToken);

        Assert.StartsWith("Good 1.0.0: 'Good.dll' can be written by everybody", Assert.Single(set.Plugins[0].Findings).Reason);
    }

    [Fact]
    public async Task Load_family_is_there_when_provider_is_constructed()
    {
        using var folder = new PluginFolder("Good", "Ipv6Family");
        await using var set = await new PluginBench(folder).LoadAsync("Good", "Ipv6Family");

        Assert.Equal(1, set.Providers[0].Role.GetCapacity().Total);
        Assert.Single(set.Families);
    }

    [Fact]
    public async Task Load_second_plugin_with_same_family_is_refused()
    {
        using var folder = new PluginFolder("Ipv6Family");
        folder.Add("Ipv6Family", "OtherFamily/1.0.0");
        folder.EditManifest("OtherFamily/1.0.0", m => m["name"] = "OtherFamily");
        await using var set = await new PluginBench(folder).LoadAsync("OtherFamily", "Ipv6Family");

        Assert.Equal("Ipv6Family", Assert.Single(set.Families).Plugin.Manifest.Name);
        Assert.Equal("OtherFamily 1.0.0: exports the address family InterNetworkV6, which Ipv6Family 1.0.0 has already",
            Assert.Single(set.Plugins.Single(p => p.State == PluginState.Faulted).Findings).Reason);
    }

    [Fact]
    public async Task Load_requirement_rejected_takes_the_dependent_along_by_name()
    {
        using var folder = new PluginFolder("Good", "NeedsGood");
        PluginFolder.Write(Path.Combine(folder.Root, "Good/1.0.0/Good.dll"), "no assembly");
        await using var set = await new PluginBench(folder).LoadAsync("NeedsGood");

        var dependent = set.Plugins.Single(p => p.Manifest.Name == "NeedsGood");
        Assert.Equal(PluginState.Rejected, dependent.State);
        Assert.StartsWith("NeedsGood 1.0.0: requires Good 1.0.0, which is Rejected: Good 1.0.0: entry assembly", dependent.Reason);
        Assert.Empty(set.Stages);
    }

    [Fact]
    public async Task Load_stages_are_sorted_by_their_order_not_by_name()
    {
        using var folder = new PluginFolder("Good", "NeedsGood");
        await using var set = await new PluginBench(folder).LoadAsync("NeedsGood");

        Assert.Equal([10, 20], set.Stages.Select(s => s.Role.Order));
        Assert.Equal(["Good", "NeedsGood"], set.Plugins.Select(p => p.Manifest.Name));
        Assert.Equal("added because NeedsGood requires it ([1.0,2.0)); the newest version there is", set.Plugins[0].Resolved.Why);
    }

    [Fact]
    public async Task Load_host_factory_throws_rejects_that_plugin_only()
    {
        using var folder = new PluginFolder("Good", "Ipv6Family");
        await using var set = await PluginSet.LoadAsync(
            new PluginBench(folder).Resolve(Ask("Good"), Ask("Ipv6Family")),
            (p, f) => p.Manifest.Name == "Good" ? throw new InvalidDataException("no settings") : new FakeHost(p, f),
            Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, TimeProvider.System, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Contains("no settings", set.Plugins.Single(p => p.Manifest.Name == "Good").Reason);
        Assert.Single(set.Families);
    }

    private static void Refused(PluginSet set, PluginState state, params string[] findings)
    {
        var plugin = set.Plugins.Single(p => p.State is PluginState.Rejected or PluginState.Faulted);
        Assert.Equal(state, plugin.State);
        Assert.Equal(findings, plugin.Findings.Select(f => $"{f.Reason}; {f.Fix}"));
        Assert.Equal(findings.Length, set.Blocking.Count);
        Assert.All(set.Blocking, b => Assert.Equal($"plugin/{plugin.Manifest.Name}/1.0.0", b.Path));
        Assert.DoesNotContain(set.Providers, p => p.Plugin == plugin);
    }
}
