using System.Collections.Immutable;

namespace Terway.Lab.Config;

/// <summary>A configuration with problems, all of them.</summary>
public sealed class LabConfigException(string source, ImmutableArray<ConfigProblem> problems)
    : Exception($"{source} has {problems.Length} problem(s):{string.Concat(problems.Select(static p => $"\n  {p}"))}")
{
    public ImmutableArray<ConfigProblem> Problems { get; } = problems;
}
