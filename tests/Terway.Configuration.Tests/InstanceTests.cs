using Terway.AlibabaCloud.Network;
using Terway.Configuration.Validation;
using Terway.Plugin;

namespace Terway.Configuration.Tests;

public sealed class InstanceTests
{
    [Theory]
    [InlineData("ecs.t6-c1m1.large", "{}", "(EniQuantity - 1) x EniPrivateIpAddressQuantity = (2 - 1) x 2 = 2")]
    [InlineData("ecs.g7.large", """{"max_eni": 1}""", "min((EniQuantity - 1), max_eni) x EniPrivateIpAddressQuantity = min((3 - 1), 1) x 6 = 6")]
    [InlineData("ecs.g7.2xlarge", """{"eni_cap_ratio": 0.25, "eni_cap_shift": 1, "max_pool_size": 5}""", null)]
    [InlineData("ecs.g7.2xlarge", """{"eni_cap_ratio": 0.25}""", "(EniQuantity x eni_cap_ratio + eni_cap_shift - 1) x EniPrivateIpAddressQuantity = (4 x 0.25 + 0 - 1) x 15 = 0")]
    [InlineData("ecs.t6-c1m1.large", """{"enable_ip_prefix": true}""", null)]
    [InlineData("ecs.g7.large", "{}", null)]
    [InlineData("ecs.g7.4xlarge", """{"plugins": [{"name": "ExclusiveEni"}]}""", null)]
    [InlineData("ecs.g7.2xlarge", """{"plugins": [{"name": "ExclusiveEni"}]}""", "EniQuantity - 1 = 4 - 1 = 3")]
    [InlineData("ecs.g7.2xlarge", """{"ip_stack": "dual"}""", null)]
    [InlineData("ecs.g6.2xlarge", """{"ip_stack": "dual"}""", "10 and 1")]
    public void Type_has_to_be_large_enough_and_the_arithmetic_says_why(string type, string json, string? reason)
    {
        var errors = Check.Findings(json, Of(type)).Where(static f => f.Finding.Severity == FindingSeverity.Error).ToList();
        if (reason is null) Assert.Empty(errors);
        else Assert.Contains(reason, Assert.Single(errors).Finding.Reason, StringComparison.Ordinal);
    }

    // 12 is the least that joins a shared pool, 7 the least for an exclusive one.
    [Theory]
    [InlineData(2, 11, "{}", true)]
    [InlineData(2, 12, "{}", false)]
    [InlineData(7, 1, """{"plugins": [{"name": "ExclusiveEni"}]}""", true)]
    [InlineData(8, 1, """{"plugins": [{"name": "ExclusiveEni"}]}""", false)]
    public void Thresholds_are_exceeded_not_met(int enis, int addresses, string json, bool tooSmall)
    {
        var type = new InstanceTypeLimits { InstanceTypeId = "ecs.x", EniQuantity = enis, EniPrivateIpAddressQuantity = addresses };
        Assert.Equal(tooSmall, Check.Findings(json, new ValidationContext { InstanceType = type }).Any(static f => f.Path == "$"));
    }

    [Fact]
    public void Capacity_of_the_documented_example()
    {
        var modes = PodCapacity.Of(InstanceTypeTable.Find("ecs.g7.4xlarge")!).ToDictionary(static m => m.Mode);
        Assert.Equal((210, true), (modes["shared"].Pods, modes["shared"].Joins));
        Assert.Equal((7, true), (modes["exclusive"].Pods, modes["exclusive"].Joins));
        Assert.Equal((60, (bool?)null), (modes["trunk members"].Pods, modes["trunk members"].Joins));
        Assert.Equal(7 * 29 * 16, modes["shared, prefixes"].Pods);
    }

    [Fact]
    public void Figures_of_the_table_make_sense()
    {
        foreach (var type in InstanceTypeTable.All.Select(static e => e.Limits))
        {
            Assert.True(type.EniQuantity >= 1 && type.EniTotalQuantity >= type.EniQuantity && type.EniPrivateIpAddressQuantity >= 1, type.InstanceTypeId);
            Assert.Equal(type.EniTrunkSupported, type.EniTotalQuantity > type.EniQuantity);
        }
    }

    private static ValidationContext Of(string type) => new() { InstanceType = InstanceTypeTable.Find(type) ?? throw new ArgumentException(type) };
}
