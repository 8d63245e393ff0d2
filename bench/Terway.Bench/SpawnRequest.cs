using System.Text;

namespace Terway.Bench;

/// <summary>A CNI call as bytes, made before the clock starts.</summary>
internal sealed class SpawnRequest
{
    private SpawnRequest(string name, string path, string inputFile, string outputFile, IReadOnlyList<string> environment)
    {
        Name = name;
        Path = CString(path);
        InputFile = CString(inputFile);
        OutputFile = CString(outputFile);
        Output = outputFile;
        var bytes = new List<byte>();
        var offsets = new List<int>();
        foreach (var variable in environment)
        {
            offsets.Add(bytes.Count);
            bytes.AddRange(CString(variable));
        }

        Environment = [.. bytes];
        EnvironmentOffsets = [.. offsets];
    }

    public string Name { get; }

    public byte[] Path { get; }

    public byte[] InputFile { get; }

    public byte[] OutputFile { get; }

    public string Output { get; }

    public byte[] Environment { get; }

    public int[] EnvironmentOffsets { get; }

    /// <summary>One call of a plugin.</summary>
    public static SpawnRequest Cni(PluginUnderTest plugin, string verb, string containerId, string podName, string netNs, string inputFile, string outputFile) => new(
        $"{System.IO.Path.GetFileName(plugin.Binary)} {verb} {containerId}", plugin.Binary, inputFile, outputFile,
        [
            $"CNI_COMMAND={verb}", $"CNI_CONTAINERID={containerId}", $"CNI_NETNS={netNs}", "CNI_IFNAME=eth0", $"CNI_PATH={plugin.BinaryFolder}",
            $"CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=bench;K8S_POD_NAME={podName};K8S_POD_INFRA_CONTAINER_ID={containerId}",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        ]);

    private static byte[] CString(string text) => [.. Encoding.UTF8.GetBytes(text), 0];
}
