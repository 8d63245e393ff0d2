namespace Terway.AlibabaCloud.Network;

/// <summary>Rules on counts that several requests share.</summary>
internal static class PrefixLimit
{
    /// <summary>Prefixes one call may ask for.</summary>
    public const int PerCall = 10;

    public static void Check(int? count, string name)
    {
        if (count > PerCall)
            throw new ArgumentException($"{name} is {count}; one call gives at most {PerCall} prefixes.");
    }

    /// <summary>Zero means "none", which the API wants left out.</summary>
    public static int? Positive(int? count) => count switch
    {
        null or 0 => null,
        < 0 => throw new ArgumentException($"A count of {count} makes no sense."),
        _ => count,
    };
}
