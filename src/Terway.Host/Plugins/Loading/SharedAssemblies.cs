using System.Composition;
using System.Reflection;
using Microsoft.Extensions.Logging;
using Terway.Plugin;

namespace Terway.Host.Plugins.Loading;

/// <summary>The assemblies whose types are the same for host and plugins. Everything else is private to a plugin.</summary>
internal static class SharedAssemblies
{
    /// <summary>A type of each.</summary>
    public static Type[] Types => [typeof(IPluginHost), typeof(ILogger), typeof(ExportAttribute)];

    /// <summary>The contract.</summary>
    public static Assembly Contract => typeof(IPluginHost).Assembly;

    /// <summary>All of them by name.</summary>
    public static IReadOnlyDictionary<string, Assembly> ByName { get; } =
        Types.ToDictionary(t => t.Assembly.GetName().Name!, t => t.Assembly, StringComparer.OrdinalIgnoreCase);
}
