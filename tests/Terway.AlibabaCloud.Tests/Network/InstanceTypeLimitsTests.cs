using CsCheck;
using Terway.AlibabaCloud.Network;

namespace Terway.AlibabaCloud.Tests.Network;

public sealed class InstanceTypeLimitsTests
{
    private static readonly InstanceTypeLimits s_g7 = new()
    {
        InstanceTypeId = "ecs.g7.4xlarge",
        EniQuantity = 8,
        EniTotalQuantity = 60,
        EniPrivateIpAddressQuantity = 30,
        EniIpv6AddressQuantity = 30,
        EniTrunkSupported = true,
        EriQuantity = 2,
    };

    [Fact]
    public void Capacities_of_the_documented_example()
    {
        Assert.Equal(210, s_g7.SharedPods);
        Assert.Equal(7, s_g7.ExclusivePods);
        Assert.Equal(52, s_g7.MemberPods);
        Assert.Equal(58, s_g7.MaxMemberPods);
        Assert.Equal(29 * 16 * 59, s_g7.PrefixModePods);
        Assert.Equal(2, s_g7.ErdmaEnis);
        Assert.True(s_g7.SupportsSharedDualStack);
    }

    [Fact]
    public void MemberPods_without_trunk_support_is_zero_whatever_the_quota()
    {
        InstanceTypeLimits limits = s_g7 with { EniTrunkSupported = false };
        Assert.Equal((0, 0), (limits.MemberPods, limits.MaxMemberPods));
    }

    [Theory]
    [InlineData(2, 1, 0)]
    [InlineData(3, 0, 0)]
    [InlineData(3, 4, 1)]
    [InlineData(8, 1, 1)]
    [InlineData(8, 4, 2)]
    public void ErdmaEnis_leaves_ordinary_ones(int enis, int eri, int expected) =>
        Assert.Equal(expected, (s_g7 with { EniQuantity = enis, EriQuantity = eri }).ErdmaEnis);

    [Fact]
    public void Dual_stack_on_shared_ENIs_needs_equal_counts()
    {
        InstanceTypeLimits unequal = s_g7 with { EniIpv6AddressQuantity = 1 };
        Assert.False(unequal.SupportsSharedDualStack);
        Assert.True(unequal.SupportsExclusiveDualStack);
        InstanceTypeLimits none = s_g7 with { EniIpv6AddressQuantity = 0, EniPrivateIpAddressQuantity = 0 };
        Assert.False(none.SupportsSharedDualStack || none.SupportsExclusiveDualStack);
    }

    [Fact]
    public void Capacities_of_any_figures_are_never_negative() =>
        Gen.Select(Gen.Int[-1, 100], Gen.Int[-1, 100], Gen.Int[-1, 60], Gen.Int[-1, 8], Gen.Bool).Sample((enis, total, ips, eri, trunk) =>
        {
            InstanceTypeLimits limits = s_g7 with
            {
                EniQuantity = enis,
                EniTotalQuantity = total,
                EniPrivateIpAddressQuantity = ips,
                EriQuantity = eri,
                EniTrunkSupported = trunk,
            };
            return limits.SharedPods >= 0 && limits.ExclusivePods >= 0 && limits.MemberPods >= 0 && limits.MaxMemberPods >= 0
                && limits.PrefixModePods >= 0 && limits.ErdmaEnis >= 0 && limits.ErdmaEnis <= Math.Max(limits.SecondaryEnis - 1, 0);
        });
}
