namespace Terway.AlibabaCloud.Network;

internal static class AddressChoice
{
    /// <summary>A request names addresses or prefixes, by count or one by one, and only in one of these ways.</summary>
    public static void ExactlyOne(int? count, int addresses, int? prefixCount, int prefixes)
    {
        int ways = (count > 0 ? 1 : 0) + (addresses > 0 ? 1 : 0) + (prefixCount > 0 ? 1 : 0) + (prefixes > 0 ? 1 : 0);
        if (ways != 1)
        {
            throw new ArgumentException(
                $"A request is for a count of addresses ({count ?? 0}), named addresses ({addresses}), a count of prefixes ({prefixCount ?? 0}) "
                + $"or named prefixes ({prefixes}): exactly one of these.");
        }
    }
}
