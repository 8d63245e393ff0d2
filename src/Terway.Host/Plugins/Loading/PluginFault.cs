using System.Composition.Hosting;
using System.Diagnostics;
using System.Reflection;

namespace Terway.Host.Plugins.Loading;

/// <summary>
/// Turns exceptions of plugins into text. The exception itself is not kept: it holds the plugin's assemblies in memory after an unload.
/// </summary>
internal static class PluginFault
{
    /// <summary>What failed, the causes included, and where.</summary>
    public static string Describe(Exception exception)
    {
        var root = Unwrap(exception);
        var text = $"{root.GetType().Name}: {OneLine(root.Message)}";
        for (var inner = root.InnerException; inner is not null; inner = inner.InnerException)
            text += $" <- {inner.GetType().Name}: {OneLine(inner.Message)}";
        return text;
    }

    /// <summary>The part whose constructor an exception came out of; null when it was none's.</summary>
    public static string? FailedPart(Exception exception, IReadOnlyCollection<Type> parts)
    {
        foreach (var frame in new StackTrace(Unwrap(exception)).GetFrames())
        {
            if (frame.GetMethod() is { IsConstructor: true, DeclaringType: { } type } && parts.Contains(type))
                return type.FullName;
        }
        return null;
    }

    private static Exception Unwrap(Exception exception) =>
        exception is TargetInvocationException or AggregateException or CompositionFailedException or TypeInitializationException
        && exception.InnerException is { } inner ? Unwrap(inner) : exception;

    private static string OneLine(string text) => string.Join(' ', text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
