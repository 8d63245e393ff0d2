using System.Reflection;
using System.Text;
using Terway.Host.Kernel;
using Terway.Host.State;

namespace Terway.Host.CrashPoints;

/// <summary>Names of steps, made from the types and methods that are the daemon's choke points.</summary>
internal static class PointNames
{
    private static readonly string[] s_reads = ["Find", "Read", "Wait", "Get", "List", "Load", "Describe"];

    /// <summary>Every point that can be told from the daemon's types alone: kinds of journal writes and calls that change the kernel.</summary>
    public static IEnumerable<string> Known()
    {
        foreach (var kind in typeof(StateWrite).GetNestedTypes().Where(static t => t.IsSubclassOf(typeof(StateWrite))).OrderBy(static t => t.Name, StringComparer.Ordinal))
        {
            if (kind == typeof(StateWrite.PutAttachment) || kind == typeof(StateWrite.SetPhase)) continue;
            yield return $"state/{Kebab(kind.Name)}";
        }

        // An attachment is put in one phase and then set to the others.
        yield return $"state/{Kebab(nameof(StateWrite.PutAttachment))}-adding";
        yield return $"state/{Kebab(nameof(StateWrite.SetPhase))}-attached";
        yield return $"state/{Kebab(nameof(StateWrite.SetPhase))}-detaching";
        foreach (var method in typeof(INodeKernel).GetMethods().Where(static m => HasEffect(m)))
        {
            if (method.Name == nameof(INodeKernel.ApplyAsync))
            {
                yield return OfApply(netNsPath: "any");
                yield return OfApply(netNsPath: null);
            }
            else
            {
                yield return OfKernel(method);
            }
        }
    }

    public static string Of(StateWrite write) => write switch
    {
        StateWrite.PutAttachment put => $"state/{Kebab(nameof(StateWrite.PutAttachment))}-{Kebab(put.Phase.ToString())}",
        StateWrite.SetPhase set => $"state/{Kebab(nameof(StateWrite.SetPhase))}-{Kebab(set.Phase.ToString())}",
        _ => $"state/{Kebab(write.GetType().Name)}",
    };

    public static string OfKernel(MethodInfo method) =>
        $"kernel/{Kebab(method.Name.EndsWith("Async", StringComparison.Ordinal) ? method.Name[..^"Async".Length] : method.Name)}";

    public static string OfApply(string? netNsPath) => netNsPath is null ? "kernel/apply-node" : "kernel/apply-pod";

    /// <summary>Of a plugin's records: what is put and what is deleted, by the first part of their keys.</summary>
    public static string OfRecords(string plugin, IReadOnlyList<KeyValuePair<string, byte[]?>> changes) =>
        $"record/{plugin}/" + string.Join('+', changes
            .Select(static c => (c.Value is null ? "delete-" : "put-") + c.Key.Split('/')[0]).Distinct().Order(StringComparer.Ordinal));

    public static string OfCloud(string action) => $"cloud/{action}";

    /// <summary>By its name: what only looks has a verb for that. Whatever has another one is a step.</summary>
    public static bool HasEffect(MethodInfo method) => !method.IsSpecialName && !s_reads.Any(r => method.Name.StartsWith(r, StringComparison.Ordinal));

    private static string Kebab(string name)
    {
        var text = new StringBuilder(name.Length + 4);
        foreach (var c in name)
        {
            if (char.IsUpper(c) && text.Length > 0) text.Append('-');
            text.Append(char.ToLowerInvariant(c));
        }

        return text.ToString();
    }
}
