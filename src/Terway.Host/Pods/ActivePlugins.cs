using System.Net;
using Terway.Plugin;

namespace Terway.Host.Pods;

/// <summary>A part of a plugin, with the plugin's name and version for the journal.</summary>
internal readonly record struct PluginPart<T>(string Name, T Part);

/// <summary>The parts of the node pool's plugins that serve pods, and the choice among them. Immutable.</summary>
internal sealed class ActivePlugins(
    IReadOnlyList<PluginPart<IAddressProvider>> providers,
    IReadOnlyList<PluginPart<IDatapath>> datapaths,
    IReadOnlyList<IPodStage> stages,
    IReadOnlyList<IAddressFamily> families)
{
    public IReadOnlyList<PluginPart<IAddressProvider>> Providers => providers;

    /// <summary>In attach order.</summary>
    public IReadOnlyList<IPodStage> Stages => stages;

    /// <summary>IPv4 first.</summary>
    public IReadOnlyList<IAddressFamily> Families => families;

    /// <summary>The one provider that serves the pod.</summary>
    /// <exception cref="PodNetworkException">There is none, or two want it alike.</exception>
    public PluginPart<IAddressProvider> ProviderFor(PodInterface pod) =>
        Choose(providers, p => p.Claims(pod), "address provider", $"pod {pod.Namespace}/{pod.Name}");

    /// <summary>The one datapath that carries the allocation.</summary>
    /// <exception cref="PodNetworkException">There is none, or two want it alike.</exception>
    public PluginPart<IDatapath> DatapathFor(PodInterface pod, Allocation allocation) =>
        Choose(datapaths, d => d.Carries(pod, allocation), "datapath", $"pod {pod.Namespace}/{pod.Name} on ENI {allocation.EniId}");

    /// <summary>The provider that made an allocation, by the plugin's name: another version of it knows the allocation too.</summary>
    public IAddressProvider? FindProvider(string nameAndVersion)
    {
        var name = PluginName(nameAndVersion);
        foreach (var provider in providers)
        {
            if (PluginName(provider.Name).SequenceEqual(name)) return provider.Part;
        }

        return null;
    }

    /// <summary>The datapath that planned an attachment, by the plugin's name: as it is now, of whatever version.</summary>
    public PluginPart<IDatapath>? FindDatapath(string nameAndVersion)
    {
        var name = PluginName(nameAndVersion);
        foreach (var datapath in datapaths)
        {
            if (PluginName(datapath.Name).SequenceEqual(name)) return datapath;
        }

        return null;
    }

    /// <summary><c>SharedEni</c> of <c>SharedEni/1.0.0</c>.</summary>
    public static ReadOnlySpan<char> PluginName(string nameAndVersion)
    {
        var slash = nameAndVersion.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? nameAndVersion : nameAndVersion.AsSpan(0, slash);
    }

    private static PluginPart<T> Choose<T>(IReadOnlyList<PluginPart<T>> parts, Func<T, ClaimStrength> strengthOf, string role, string what)
    {
        PluginPart<T>? best = null;
        PluginPart<T>? equal = null;
        var strength = ClaimStrength.None;
        foreach (var part in parts)
        {
            var s = strengthOf(part.Part);
            if (s == ClaimStrength.None || s < strength) continue;
            if (s == strength)
            {
                equal = part;
                continue;
            }

            (equal, best, strength) = (null, part, s);
        }

        if (best is null)
        {
            throw new PodNetworkException(
                "plugins", $"no {role} of this node pool serves {what}", "add a plugin that does to eni_conf.plugins", canRetry: false);
        }

        if (equal is { } other)
        {
            throw new PodNetworkException(
                "plugins", $"{best.Value.Name} and {other.Name} both want to be the {role} of {what}",
                "leave one of them out of eni_conf.plugins", canRetry: false);
        }

        return best.Value;
    }
}
