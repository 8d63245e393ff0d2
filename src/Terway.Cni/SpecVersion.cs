using Terway.Cni.Wire;

namespace Terway.Cni;

/// <summary>The versions of the CNI specification that are spoken here, and which verb came with which.</summary>
internal static class SpecVersion
{
    public const string Newest = "1.1.0";

    public static ReadOnlySpan<string> Supported => s_supported;

    private static readonly string[] s_supported = ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

    public static bool IsSupported(string version) => IndexOf(version) >= 0;

    /// <summary>The version that introduced a verb.</summary>
    public static string Introduced(string verb) => verb switch
    {
        CniVerb.Check => "0.4.0",
        CniVerb.Status or CniVerb.Gc => "1.1.0",
        _ => "0.3.0",
    };

    /// <summary>Whether a configuration at <paramref name="version"/>, which is supported, may be used with the verb.</summary>
    public static bool Knows(string version, string verb) => IndexOf(version) >= IndexOf(Introduced(verb));

    private static int IndexOf(string version) => Array.IndexOf(s_supported, version);
}
