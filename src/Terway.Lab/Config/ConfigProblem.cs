namespace Terway.Lab.Config;

/// <summary>One thing that is wrong with a configuration.</summary>
/// <param name="Path">Where, as in <c>nodes[1].vswitch</c>.</param>
/// <param name="Line">1-based line of the file; 0 when unknown.</param>
public sealed record ConfigProblem(string Path, int Line, string Reason, string Fix)
{
    public override string ToString() => $"{Path}{(Line > 0 ? $" (line {Line})" : "")}: {Reason}. {Fix}";
}
