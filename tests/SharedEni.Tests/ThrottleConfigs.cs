using System.Collections.Immutable;

namespace Terway.Plugins.SharedEni.Tests;

/// <summary>A region without flow control: time stands still while calls are made.</summary>
internal static class ThrottleConfigs
{
    public static ImmutableSortedDictionary<string, int> Open { get; } = ImmutableSortedDictionary<string, int>.Empty;
}
