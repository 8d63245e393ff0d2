using Terway.Plugin;

namespace Terway.Configuration.Plugins.Resolution;

/// <summary>What a node offers to plugins.</summary>
/// <param name="Kernel">Version of the running kernel.</param>
/// <param name="Cloud">Capabilities of the instance.</param>
internal sealed record NodeEnvironment(Version Kernel, IReadOnlySet<string> Cloud)
{
    private const string Ipv6 = "EniIpv6Supported";

    /// <summary>Every capability this host can tell; a manifest that names another one needs a newer host.</summary>
    public static IReadOnlyList<string> KnownCapabilities { get; } = [nameof(NodeFacts.EniTrunkSupported), Ipv6];

    /// <summary>Takes the capabilities from the node's facts.</summary>
    /// <param name="node">The node.</param>
    /// <param name="kernelRelease">The kernel's own name of its version (<c>/proc/sys/kernel/osrelease</c>), such as <c>5.10.134-16.al8.x86_64</c>.</param>
    public static NodeEnvironment Of(NodeFacts node, string kernelRelease)
    {
        var cloud = new HashSet<string>(StringComparer.Ordinal);
        if (node.EniTrunkSupported)
            cloud.Add(nameof(NodeFacts.EniTrunkSupported));
        if (node.EniIpv6AddressQuantity > 0)
            cloud.Add(Ipv6);
        return new NodeEnvironment(ParseKernel(kernelRelease), cloud);
    }

    /// <summary>The numbers at the start of a kernel release; 0.0 when there are none.</summary>
    public static Version ParseKernel(string release)
    {
        var numbers = string.Concat(release.TakeWhile(c => char.IsAsciiDigit(c) || c == '.')).Split('.', StringSplitOptions.RemoveEmptyEntries);
        return Version.TryParse(numbers.Length == 1 ? $"{numbers[0]}.0" : string.Join('.', numbers.Take(3)), out var version) ? version : new Version(0, 0);
    }
}
