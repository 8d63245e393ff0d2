using NuGet.Versioning;
using Terway.Plugin;

namespace Terway.Configuration.Plugins.Resolution;

/// <summary>The contract versions the host speaks: its own, and everything of the previous major version.</summary>
/// <param name="Version">Version of the contract assembly the host carries.</param>
internal sealed record HostContract(Version Version)
{
    /// <summary>That of this process.</summary>
    public static HostContract Current { get; } = new(typeof(IPluginHost).Assembly.GetName().Version!);

    /// <summary>Whether a plugin that works with <paramref name="range"/> works with this host.</summary>
    public bool Speaks(VersionRange range)
    {
        if (range.Satisfies(new NuGetVersion(Version.Major, Version.Minor, 0)))
            return true;
        var previous = new VersionRange(new NuGetVersion(Version.Major - 1, 0, 0), true, new NuGetVersion(Version.Major, 0, 0), false);
        return Version.Major > 1 && Overlap(range, previous);
    }

    /// <summary>Whether a plugin built against a contract assembly of this version works with this host.</summary>
    public bool Speaks(Version built) => built <= Version && built.Major >= Version.Major - 1;

    /// <inheritdoc/>
    public override string ToString() =>
        Version.Major > 1 ? $"{Version.Major}.{Version.Minor} and {Version.Major - 1}.x" : $"{Version.Major}.{Version.Minor}";

    private static bool Overlap(VersionRange a, VersionRange b)
    {
        return Below(a, b) && Below(b, a);

        // The lower end of one lies before the upper end of the other.
        static bool Below(VersionRange low, VersionRange high)
        {
            if (!low.HasLowerBound || !high.HasUpperBound)
                return true;
            var order = low.MinVersion!.CompareTo(high.MaxVersion);
            return order < 0 || (order == 0 && low.IsMinInclusive && high.IsMaxInclusive);
        }
    }
}
