using Terway.AlibabaCloud.Network;

namespace Terway.Configuration.Validation;

/// <summary>How many pods a mode gives on an instance type.</summary>
/// <param name="Mode">Short name, stable for programs.</param>
/// <param name="Pods">Pods.</param>
/// <param name="Arithmetic">Formula, the numbers in it, and the result.</param>
/// <param name="MoreThan">A node joins a pool of this mode only with more pods than this; null when there is no such rule.</param>
/// <param name="Note">What else there is to know; may be empty.</param>
internal sealed record PodCapacity(string Mode, int Pods, string Arithmetic, int? MoreThan, string Note = "")
{
    /// <summary>Addresses of an IPv4 prefix, a /28.</summary>
    public const int AddressesPerPrefix = 16;

    /// <summary>Whether a node of this type can join a pool of this mode; null when there is no such rule.</summary>
    public bool? Joins => MoreThan is { } least ? Pods > least : null;

    /// <summary>Every mode on an instance type.</summary>
    public static IReadOnlyList<PodCapacity> Of(InstanceTypeLimits type)
    {
        var (enis, addresses) = (type.SecondaryEnis, Math.Max(type.EniPrivateIpAddressQuantity, 0));
        var prefixed = enis * type.PrefixesPerEni * AddressesPerPrefix;
        return
        [
            new("shared", type.SharedPods, $"(EniQuantity - 1) x EniPrivateIpAddressQuantity = ({type.EniQuantity} - 1) x {addresses} = {type.SharedPods}", InstanceChecks.SharedThreshold),
            new("shared, prefixes", prefixed,
                $"(EniQuantity - 1) x (EniPrivateIpAddressQuantity - 1) x 16 = ({type.EniQuantity} - 1) x ({addresses} - 1) x 16 = {prefixed}", InstanceChecks.SharedThreshold),
            new("exclusive", type.ExclusivePods, $"EniQuantity - 1 = {type.EniQuantity} - 1 = {type.ExclusivePods}", InstanceChecks.ExclusiveThreshold),
            new("trunk members", type.MemberPods, type.EniTrunkSupported
                ? $"EniTotalQuantity - EniQuantity = {type.EniTotalQuantity} - {type.EniQuantity} = {type.MemberPods}"
                : "EniTrunkSupported is false", null, "beside the pods of shared ENIs"),
        ];
    }
}
