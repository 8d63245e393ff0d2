using System.Net;

namespace Terway.Lab.Cloud;

/// <summary>Networks as the cloud takes them: bits beyond the prefix must be zero, which the framework's parser no longer asks for.</summary>
internal static class StrictCidr
{
    public static bool TryParse(string text, out IPNetwork network)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        return IPNetwork.TryParse(text, out network)
            && slash > 0
            && IPAddress.TryParse(text.AsSpan(0, slash), out var address)
            && network.BaseAddress.Equals(address);
    }
}
