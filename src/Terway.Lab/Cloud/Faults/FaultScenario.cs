using System.Collections.Immutable;

namespace Terway.Lab.Cloud.Faults;

/// <summary>Faults that come and go by the clock. When it ends, none of its rules is left.</summary>
/// <param name="Source">The file, for messages.</param>
/// <param name="Length">When it ends.</param>
/// <param name="Steps">In the order of time.</param>
public sealed record FaultScenario(string Source, TimeSpan Length, ImmutableArray<FaultStep> Steps);
