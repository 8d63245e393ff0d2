using System.Net;
using System.Text.Json.Nodes;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Lab.Runtime;
using Terway.Lab.Tests.Vpc;

namespace Terway.Lab.Tests.Runtime;

/// <summary>The runtime's side of CNI: with plugins that write down how they were called, and with the reference plugins of Debian.</summary>
public sealed class CniRuntimeTests : IDisposable
{
    private const string Recorder = """
        #!/bin/sh
        cat > "$RECORD_DIR/$(ls "$RECORD_DIR" | wc -l)-$CNI_COMMAND.stdin"
        env | grep ^CNI_ | sort > "$RECORD_DIR/last.env"
        readlink /proc/self/ns/net > "$RECORD_DIR/last.netns"
        case "$CNI_COMMAND" in
        ADD) echo '{"cniVersion":"1.1.0","ips":[{"address":"10.1.2.3/32"}]}' ;;
        STATUS) echo '{"cniVersion":"1.1.0","code":50,"msg":"not yet","details":"pool is empty"}'; exit 1 ;;
        esac
        """;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("terway-cni-");

    [Fact]
    public async Task Plugins_get_the_input_and_environment_that_libcni_gives()
    {
        await using var vpc = new TestVpc();
        var node = await vpc.NodeAsync("n1", "10.0.0.1");
        using var pod = LabPod.Create(vpc.Namespaces, 1, "web-0", "shop");
        var (runtime, record) = RecordingRuntime(node);
        var network = CniConfigList.Parse(
            """{"cniVersion":"1.1.0","name":"lab","plugins":[{"type":"recorder","first":true,"capabilities":{"bandwidth":true}},{"type":"recorder"}]}""",
            "test");
        var attachment = new CniAttachment(pod.Identity, pod.NetNsPath)
        {
            CapabilityArgs = new JsonObject { ["bandwidth"] = new JsonObject { ["ingressRate"] = 1 }, ["portMappings"] = new JsonArray() },
        };

        var result = await runtime.AddAsync(network, attachment, TestVpc.Token);

        Assert.Equal("10.1.2.3/32", result["ips"]![0]!["address"]!.GetValue<string>());
        var first = JsonNode.Parse(File.ReadAllText(Path.Combine(record, "0-ADD.stdin")))!;
        Assert.True(JsonNode.DeepEquals(
            first,
            JsonNode.Parse("""{"type":"recorder","first":true,"capabilities":{"bandwidth":true},"name":"lab","cniVersion":"1.1.0","runtimeConfig":{"bandwidth":{"ingressRate":1}}}""")));
        var second = JsonNode.Parse(File.ReadAllText(Directory.GetFiles(record, "*-ADD.stdin").Order(StringComparer.Ordinal).Last()))!;
        Assert.True(JsonNode.DeepEquals(result, second["prevResult"]));
        Assert.Null(second["runtimeConfig"]);
        Assert.Equal(
            [
                $"CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;K8S_POD_INFRA_CONTAINER_ID={pod.Identity.ContainerId};K8S_POD_UID={pod.Identity.Uid}",
                "CNI_COMMAND=ADD",
                $"CNI_CONTAINERID={pod.Identity.ContainerId}",
                "CNI_IFNAME=eth0",
                $"CNI_NETNS={pod.NetNsPath}",
                $"CNI_PATH={_folder.FullName}",
            ],
            File.ReadAllLines(Path.Combine(record, "last.env")));
        Assert.Equal($"net:[{node.NetNs.Inode}]", File.ReadAllText(Path.Combine(record, "last.netns")).Trim());
    }

    [Fact]
    public async Task Delete_goes_backwards_with_the_remembered_result_and_forgets_it()
    {
        await using var vpc = new TestVpc();
        var node = await vpc.NodeAsync("n1", "10.0.0.1");
        using var pod = LabPod.Create(vpc.Namespaces, 1, "web-0");
        var (runtime, record) = RecordingRuntime(node);
        var network = CniConfigList.Parse(
            """{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"recorder","n":1},{"type":"recorder","n":2}]}""", "test");
        var attachment = new CniAttachment(pod.Identity, pod.NetNsPath);
        await runtime.AddAsync(network, attachment, TestVpc.Token);

        await runtime.DeleteAsync(network, attachment, TestVpc.Token);

        var calls = Directory.GetFiles(record, "*-DEL.stdin").OrderBy(static f => int.Parse(Path.GetFileName(f).Split('-')[0], null))
            .Select(static f => JsonNode.Parse(File.ReadAllText(f))!).ToArray();
        Assert.Equal([2, 1], calls.Select(static c => c["n"]!.GetValue<int>()));
        Assert.All(calls, static c => Assert.Equal("10.1.2.3/32", c["prevResult"]!["ips"]![0]!["address"]!.GetValue<string>()));
        var error = await Assert.ThrowsAsync<CniCallException>(() => runtime.CheckAsync(network, attachment, TestVpc.Token));
        Assert.Contains("no result", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Error_object_of_a_plugin_keeps_code_and_details()
    {
        await using var vpc = new TestVpc();
        var node = await vpc.NodeAsync("n1", "10.0.0.1");
        var (runtime, _) = RecordingRuntime(node);
        var network = CniConfigList.Parse("""{"cniVersion":"1.1.0","name":"lab","plugins":[{"type":"recorder"}]}""", "test");

        var error = await Assert.ThrowsAsync<CniCallException>(() => runtime.StatusAsync(network, TestVpc.Token));

        Assert.Equal((50, "pool is empty"), (error.Code, error.Details));
    }

    [Fact]
    public async Task Reference_plugins_connect_a_pod_check_it_and_leave_nothing()
    {
        Assert.SkipUnless(File.Exists("/usr/lib/cni/ptp"), "the reference CNI plugins (containernetworking-plugins) are not installed");
        await using var vpc = new TestVpc();
        var node = await vpc.NodeAsync("n1", "10.0.0.1");
        using var pod = LabPod.Create(vpc.Namespaces, 1, "web-0");
        var runtime = new CniRuntime(node.NetNsPath, ["/usr/lib/cni"], node.Paths.CniCache);
        File.WriteAllText(Path.Combine(node.Paths.CniConf, "10-ptp.conflist"), $$$"""
            {"cniVersion":"1.0.0","name":"ptp","plugins":[{"type":"ptp","ipMasq":false,
             "ipam":{"type":"host-local","subnet":"172.30.0.0/24","dataDir":"{{{Path.Combine(_folder.FullName, "ipam")}}}","routes":[{"dst":"0.0.0.0/0"}]}}]}
            """);
        var network = CniConfigList.LoadFirst(node.Paths.CniConf)!;
        var attachment = new CniAttachment(pod.Identity, pod.NetNsPath);

        var result = await runtime.AddAsync(network, attachment, TestVpc.Token);
        await runtime.CheckAsync(network, attachment, TestVpc.Token);
        var reached = await Probe.TcpAsync(vpc.Thread, pod.NetNs, new IPEndPoint(node.PrimaryIp!, EchoServer.DefaultPort), TestVpc.Answer, ct: TestVpc.Token);
        var leaksWhileUp = node.Inventory().LeaksSince(node.Baseline!, []);
        await runtime.DeleteAsync(network, attachment, TestVpc.Token);
        await runtime.DeleteAsync(network, attachment, TestVpc.Token);

        Assert.True(reached.Ok, reached.Error);
        Assert.Equal($"{reached.SeenAs!.Address}/24", result["ips"]![0]!["address"]!.GetValue<string>());
        Assert.Contains(leaksWhileUp, static o => o.Kind == "link" && o.Text.StartsWith("veth", StringComparison.Ordinal));
        Assert.Contains(leaksWhileUp, static o => o.Kind == "route" || o.Kind == "address");
        Assert.Empty(node.Inventory().LeaksSince(node.Baseline!, []));
        Assert.Empty(node.Inventory().MissingSince(node.Baseline!));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private (CniRuntime Runtime, string Record) RecordingRuntime(LabNode node)
    {
        var record = Directory.CreateDirectory(Path.Combine(_folder.FullName, "record")).FullName;
        var plugin = Path.Combine(_folder.FullName, "recorder");
        File.WriteAllText(plugin, Recorder.Replace("$RECORD_DIR", record, StringComparison.Ordinal));
        File.SetUnixFileMode(plugin, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return (new CniRuntime(node.NetNsPath, [_folder.FullName], node.Paths.CniCache), record);
    }
}
