using System.Text;

namespace Terway.Lab.Vpc.Abi;

/// <summary>Names as users see them: <c>SpoofedSource</c> is <c>spoofed-source</c>.</summary>
public static class WireNames
{
    public static string Of(DropReason reason) => Kebab(reason.ToString());

    public static string Of(VpcCounter counter) => Kebab(counter.ToString());

    private static string Kebab(string pascal)
    {
        var text = new StringBuilder(pascal.Length + 4);
        foreach (var c in pascal)
        {
            if (char.IsUpper(c) && text.Length > 0)
                text.Append('-');
            text.Append(char.ToLowerInvariant(c));
        }

        return text.ToString();
    }
}
