using System.Diagnostics.CodeAnalysis;
using NuGet.Versioning;

namespace Terway.Configuration.Plugins.Manifests;

/// <summary>Version ranges as pools and manifests write them: NuGet's interval notation, or <c>*</c> for any version.</summary>
internal static class VersionRangeText
{
    /// <summary>Reads a range. A floating pattern such as <c>1.*</c> is refused: NuGet reads it as "at least 1.0", without an upper end.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out VersionRange? range, out string problem)
    {
        range = null;
        problem = "";
        if (text == "*")
        {
            range = VersionRange.All;
            return true;
        }
        if (text.Contains('*', StringComparison.Ordinal))
        {
            problem = $"'{text}' is a floating version, which has no upper end; write an interval such as '[1.0,2.0)'";
            return false;
        }
        if (!VersionRange.TryParse(text, out range))
        {
            problem = $"'{text}' is no version range; write an interval such as '[1.0,2.0)', a lowest version such as '1.0', or '*'";
            return false;
        }
        return true;
    }

    /// <summary>The range as it was written.</summary>
    public static string Show(this VersionRange range) => range == VersionRange.All ? "*" : range.OriginalString ?? range.ToNormalizedString();

    /// <summary>Whether the range itself names a pre-release, which is what it takes to have one chosen.</summary>
    public static bool NamesPrerelease(this VersionRange range) =>
        range.MinVersion?.IsPrerelease == true || range.MaxVersion?.IsPrerelease == true;
}
