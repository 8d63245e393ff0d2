using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Terway.Configuration.Plugins.Manifests;

namespace Terway.Host.Tests.Plugins;

public sealed class ManifestReaderTests
{
    private const string Full = """
        {
          "name": "NetworkPolicy", "version": "1.2.0-rc.1", "assembly": "NetworkPolicy.dll", "description": "policies",
          "contract": "[1.0,2.0)", "provides": ["IPodStage", "INodeService"],
          "requires": { "DataPathV2": "[1.0,2.0)" }, "conflicts": { "ExclusiveEni": "*" },
          "kernel": { "minVersion": "5.10" }, "cloud": ["EniTrunkSupported"],
          "settings": { "type": "object", "properties": {
            "mode": { "type": "string", "enum": ["enforce", "audit"], "description": "what to do" },
            "size": { "type": "integer", "minimum": 1, "maximum": 10 } } }
        }
        """;

    [Fact]
    public void Read_full_manifest_gives_every_field()
    {
        var manifest = Read(Full, out var problems);

        Assert.Empty(problems);
        Assert.NotNull(manifest);
        Assert.Equal("NetworkPolicy 1.2.0-rc.1", manifest.ToString());
        Assert.Equal("NetworkPolicy.dll", manifest.Assembly);
        Assert.Equal(["IPodStage", "INodeService"], manifest.Provides);
        Assert.Equal("[1.0,2.0)", manifest.Requires["DataPathV2"].Show());
        Assert.Equal("*", manifest.Conflicts["ExclusiveEni"].Show());
        Assert.Equal(new Version(5, 10), manifest.MinKernel);
        Assert.Equal(["EniTrunkSupported"], manifest.Cloud);
        Assert.Equal(["mode", "size"], manifest.Settings.Properties.Keys);
    }

    [Fact]
    public void Read_manifests_of_our_own_plugins_have_no_problems()
    {
        var files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "manifests"), "plugin.json", SearchOption.AllDirectories);
        Assert.NotEmpty(files);
        Assert.All(files, file =>
        {
            var manifest = Read(File.ReadAllText(file), out var problems);
            Assert.Empty(problems);
            Assert.Equal(Path.GetFileName(Path.GetDirectoryName(file)), manifest!.Name);
        });
    }

    [Fact]
    public void Read_everything_wrong_reports_all_at_once()
    {
        var manifest = Read("""
            {
              "name": "1st", "version": "1.0", "assembly": "../evil.dll", "contract": "1.*", "provides": ["IPodStage", "IPodStage", "IMagic"],
              "requires": { "B": 1, "C": "[2,1" }, "conflicts": { "B": "*", "C": "1.0" },
              "kernel": { "minVersion": "new", "config": [] }, "cloud": "EniTrunkSupported", "colour": "red",
              "settings": { "type": "array", "properties": { "a": { "type": "text", "minimum": 3, "maximum": 1, "pattern": "x" }, "b": { "enum": [] } } }
            }
            """, out var problems);

        Assert.Null(manifest);
        Assert.Equal(
            [
                "colour: is unknown here; known are name, version, assembly, description, contract, provides, requires, conflicts, kernel, cloud, settings",
                "name: '1st' must be letters, digits, '.', '-' and '_' and start with a letter",
                "version: '1.0' is no version; write it as major.minor.patch, such as '1.0.0' or '2.0.0-rc.1'",
                "assembly: '../evil.dll' must be the name of a .dll file in the plugin's own folder, without a path",
                "contract: '1.*' is a floating version, which has no upper end; write an interval such as '[1.0,2.0)'",
                "provides: names 'IPodStage' twice",
                "provides: 'IMagic' is no role; the roles are IAddressProvider, IDatapath, IPodStage, IAddressFamily, INodeService",
                "requires.B: must be a version range such as '[1.0,2.0)', not a number",
                "requires.C: '[2,1' is no version range; write an interval such as '[1.0,2.0)', a lowest version such as '1.0', or '*'",
                "kernel.config: is unknown here; known are minVersion",
                "kernel.minVersion: 'new' is no kernel version; write it as '5.10' or '5.10.134'",
                "cloud: must be an array of strings, not a string",
                "settings.type: must be 'object', not 'array'",
                "settings.properties.a.pattern: is unknown here; known are type, enum, minimum, maximum, description",
                "settings.properties.a.type: 'text' is none of string, integer, number, boolean, array, object",
                "settings.properties.a.minimum: 3 is above the maximum 1",
                "settings.properties.b.type: is missing",
                "settings.properties.b.enum: must be an array with at least one value",
                "conflicts.C: C is also required",
            ],
            problems);
    }

    [Theory]
    [InlineData("", "not valid JSON")]
    [InlineData("[]", "$: must be an object, not an array")]
    [InlineData("""{"name":"A","name":"B"}""", "not valid JSON: ")]
    [InlineData("\"\\ud800\"", "$: must be an object")]
    public void Read_no_manifest_at_all_is_a_problem(string json, string start)
    {
        Assert.Null(Read(json, out var problems));
        Assert.StartsWith(start, problems[0]);
    }

    [Theory]
    [InlineData("/etc/x.dll")]
    [InlineData("sub/x.dll")]
    [InlineData("..\\x.dll")]
    [InlineData("x.so")]
    [InlineData("")]
    public void Read_assembly_outside_the_folder_is_refused(string assembly)
    {
        Assert.Null(Edit(m => m["assembly"] = assembly, out var problems));
        Assert.StartsWith("assembly: ", Assert.Single(problems));
    }

    [Fact]
    public void Read_requires_itself_is_refused()
    {
        Assert.Null(Edit(m => m["requires"]!["NetworkPolicy"] = "*", out var problems));
        Assert.Equal(["requires.NetworkPolicy: a plugin cannot require itself"], problems);
    }

    [Theory]
    [InlineData("name")]
    [InlineData("version")]
    [InlineData("assembly")]
    [InlineData("contract")]
    [InlineData("provides")]
    public void Read_without_required_field_names_it(string field)
    {
        Assert.Null(Edit(m => m.Remove(field), out var problems));
        Assert.StartsWith($"{field}: ", Assert.Single(problems));
    }

    [Theory]
    [InlineData("""{"mode":"audit","size":10}""", null)]
    [InlineData("""{"mode":"off"}""", "p.mode: setting 'mode' of P must be one of \"enforce\", \"audit\", not \"off\"; use one of \"enforce\", \"audit\" (what to do)")]
    [InlineData("""{"size":11}""", "p.size: setting 'size' of P must be from 1 to 10, not 11; give integer from 1 to 10")]
    [InlineData("""{"size":1.5}""", "p.size: setting 'size' of P must be of type integer, not 1.5; give integer from 1 to 10")]
    [InlineData("""{"size":"1"}""", "p.size: setting 'size' of P must be of type integer, not a string; give integer from 1 to 10")]
    [InlineData("""{"sise":1}""", "p.sise: P has no setting 'sise'; remove it; it knows mode, size")]
    [InlineData("[]", "p: settings of P must be an object, not an array; write {\"key\": value}")]
    public void Settings_are_checked_against_the_schema(string settings, string? finding)
    {
        using var document = JsonDocument.Parse(settings);
        var findings = Read(Full, out _)!.Settings.Validate(document.RootElement, "p", "P");

        Assert.Equal(finding is null ? [] : [finding], findings.Select(f => f.ToString()));
    }

    private static PluginManifest? Edit(Action<JsonObject> edit, out IReadOnlyList<string> problems)
    {
        var json = JsonNode.Parse(Full)!.AsObject();
        edit(json);
        return Read(json.ToJsonString(), out problems);
    }

    private static PluginManifest? Read(string json, out IReadOnlyList<string> problems) => ManifestReader.Read(Encoding.UTF8.GetBytes(json), out problems);
}
