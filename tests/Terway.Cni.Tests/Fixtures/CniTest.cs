using System.Text.Json;
using System.Text.Json.Nodes;

namespace Terway.Cni.Tests.Fixtures;

/// <summary>A test that runs the binary: its own folder with socket and spool, and a configuration that points there.</summary>
public abstract class CniTest(NodeFixture node) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("twt-cni-");

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected NodeFixture Node => node;

    protected string Folder => _folder.FullName;

    protected string Socket => Path.Combine(Folder, "cni.socket");

    protected string Spool => Path.Combine(Folder, "var/spool");

    public void Dispose()
    {
        _folder.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>A valid configuration for the verb, with members added or (null) removed.</summary>
    protected string Config(string verb, string version = "1.1.0", params (string Key, JsonNode? Value)[] changes)
    {
        var config = new JsonObject
        {
            ["cniVersion"] = version,
            ["name"] = "terway",
            ["type"] = "terway",
            ["daemonSocket"] = Socket,
            ["spoolDir"] = Spool,
            ["daemonWaitSeconds"] = 0.2,
            ["deadlineSeconds"] = 20,
        };
        if (verb == "CHECK")
            config["prevResult"] = new JsonObject { ["cniVersion"] = version };
        if (verb == "GC")
            config["cni.dev/valid-attachments"] = new JsonArray(new JsonObject { ["containerID"] = "c0ffee-1", ["ifname"] = "eth0" });
        foreach (var (key, value) in changes)
        {
            if (value is null)
                config.Remove(key);
            else
                config[key] = value;
        }

        return config.ToJsonString(JsonSerializerOptions.Default);
    }

    protected CniCall Call(string verb) => new CniCall(node.Binary, verb, node.NetNs).WithStdin(Config(verb));

    protected CniCall Call(string verb, string version, params (string Key, JsonNode? Value)[] changes) =>
        new CniCall(node.Binary, verb, node.NetNs).WithStdin(Config(verb, version, changes));
}
