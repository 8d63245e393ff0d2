using System.Globalization;

namespace Terway.Plugins.SharedEni.Configuration;

/// <summary>What the instance type and the settings allow on this node.</summary>
/// <param name="MaxEnis">Secondary ENIs at most.</param>
/// <param name="PerEni">Pods per ENI: the smallest of the active families' limits.</param>
/// <param name="FamilyLimits">Addresses per ENI, by family.</param>
/// <param name="Arithmetic">How <see cref="Total"/> came about, for messages.</param>
internal sealed record NodeCapacity(int MaxEnis, int PerEni, IReadOnlyList<int> FamilyLimits, string Arithmetic)
{
    /// <summary>A node joins a cluster only with more pod addresses than this (ACK's rule for shared ENIs).</summary>
    public const int JoinThreshold = 11;

    public int Total => MaxEnis * PerEni;

    public static NodeCapacity Compute(NodeFacts node, IReadOnlyList<IAddressFamily> families, PoolSettings settings)
    {
        var attachable = Math.Max(0, node.EniQuantity - 1);
        var scaled = (int)(node.EniQuantity * settings.EniCapRatio) + settings.EniCapShift - 1;
        var enis = Math.Clamp(scaled, 0, attachable);
        var limits = families.Select(f => Math.Max(0, f.LimitPerEni(node))).ToArray();
        var perEni = limits.Length == 0 ? 0 : limits.Min();

        var left = $"(EniQuantity - 1)";
        var numbers = $"({node.EniQuantity} - 1)";
        if (settings.EniCapRatio != 1 || settings.EniCapShift != 0)
        {
            left = "(EniQuantity x eni_cap_ratio + eni_cap_shift - 1)";
            numbers = string.Create(
                CultureInfo.InvariantCulture, $"({node.EniQuantity} x {settings.EniCapRatio} + {settings.EniCapShift} - 1)");
        }

        if (settings.MaxEni > 0 && settings.MaxEni < enis)
        {
            enis = settings.MaxEni;
            left = $"min({left}, max_eni)";
            numbers = $"min({numbers}, {settings.MaxEni})";
        }

        var right = limits.Length > 1 ? "addresses per ENI of every family" : "EniPrivateIpAddressQuantity";
        return new(enis, perEni, limits, $"{left} x {right} = {numbers} x {perEni} = {enis * perEni}");
    }
}
