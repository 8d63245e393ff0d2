using System.Collections.Immutable;

namespace Terway.Lab.Cloud.Faults;

/// <summary>One moment of a scenario: rules that go, then rules that come.</summary>
/// <param name="At">Since the scenario began.</param>
/// <param name="Line">Line of the file, 1-based.</param>
/// <param name="Clear">Ids of rules that the scenario added; all of them when <paramref name="ClearAll"/>.</param>
public sealed record FaultStep(TimeSpan At, int Line, ImmutableArray<FaultRule> Add, ImmutableArray<string> Clear, bool ClearAll);
