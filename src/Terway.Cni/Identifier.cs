namespace Terway.Cni;

/// <summary>The specification's rule for container ids and network names. No Regex: it would be most of the binary's start-up.</summary>
internal static class Identifier
{
    public const string Rule = "the first character must be a letter or digit, the others letters, digits, '_', '.' or '-'";

    public static bool IsValid(string value)
    {
        if (value.Length == 0 || !char.IsAsciiLetterOrDigit(value[0]))
            return false;
        foreach (var c in value)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '.' or '-'))
                return false;
        }

        return true;
    }
}
