using System.Reflection;

namespace Terway.Host;

/// <summary>The version of this daemon.</summary>
internal static class DaemonVersion
{
    public static string Text { get; } =
        typeof(DaemonVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
