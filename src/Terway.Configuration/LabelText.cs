namespace Terway.Configuration;

/// <summary>A node's labels as they are written on a command line.</summary>
internal static class LabelText
{
    /// <summary>Reads <c>KEY=VALUE,...</c>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="problem">What is wrong with it, or null.</param>
    public static Dictionary<string, string> Parse(string text, out string? problem)
    {
        problem = null;
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var label in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var at = label.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0) problem ??= $"{label} is no KEY=VALUE";
            else labels[label[..at]] = label[(at + 1)..];
        }

        return labels;
    }
}
