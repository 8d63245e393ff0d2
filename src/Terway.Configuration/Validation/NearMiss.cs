namespace Terway.Configuration.Validation;

/// <summary>What somebody meant who mistyped a name.</summary>
internal static class NearMiss
{
    private const int LongestName = 64;

    /// <summary>The known name that is at most two typing errors away, fewer for short names; null when none is.</summary>
    public static string? Of(string name, IEnumerable<string> known)
    {
        if (name.Length is 0 or > LongestName) return null;
        string? best = null;
        var least = Math.Min(2, name.Length / 3) + 1;
        foreach (var candidate in known)
        {
            var same = string.Equals(candidate.Replace("_", "", StringComparison.Ordinal), name.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);
            var distance = same ? 0 : Distance(name, candidate);
            if (distance >= least) continue;
            least = distance;
            best = candidate;
        }

        return best;
    }

    /// <summary><c>did you mean "..."?</c> with a blank before it, or nothing.</summary>
    public static string Hint(string name, IEnumerable<string> known) => Of(name, known) is { } near ? $" - did you mean \"{near}\"?" : "";

    // Optimal string alignment: an exchange of neighbours is one error.
    private static int Distance(string a, string b)
    {
        if (Math.Abs(a.Length - b.Length) > 2) return int.MaxValue;
        var (before, row, next) = (new int[b.Length + 1], new int[b.Length + 1], new int[b.Length + 1]);
        for (var j = 0; j <= b.Length; j++) row[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            next[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                next[j] = Math.Min(Math.Min(next[j - 1], row[j]) + 1, row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) next[j] = Math.Min(next[j], before[j - 2] + 1);
            }

            (before, row, next) = (row, next, before);
        }

        return row[b.Length];
    }
}
