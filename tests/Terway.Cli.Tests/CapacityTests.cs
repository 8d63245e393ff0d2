using System.Text.Json;

namespace Terway.Cli.Tests;

public sealed class CapacityTests
{
    [Fact]
    public async Task Large_type()
    {
        var run = await CommandRun.OfAsync("capacity", "ecs.g7.4xlarge");
        Assert.Equal(
            """
            ecs.g7.4xlarge: 8 ENIs (68 with members), 30 IPv4 and 30 IPv6 addresses each, trunk yes, eRDMA interfaces 0
            mode             pods may join                       arithmetic
            shared           210  yes, 210 > 11                  (EniQuantity - 1) x EniPrivateIpAddressQuantity = (8 - 1) x 30 = 210
            shared, prefixes 3248 yes, 3248 > 11                 (EniQuantity - 1) x (EniPrivateIpAddressQuantity - 1) x 16 = (8 - 1) x (30 - 1) x 16 = 3248
            exclusive        7    yes, 7 > 6                     EniQuantity - 1 = 8 - 1 = 7
            trunk members    60   beside the pods of shared ENIs EniTotalQuantity - EniQuantity = 68 - 8 = 60
            dual stack: yes, as many IPv6 as IPv4 addresses per ENI; not together with eRDMA

            """, run.Output);
        Assert.Equal((0, ""), (run.Code, run.Error));
    }

    [Fact]
    public async Task Type_that_can_join_no_pool()
    {
        var run = await CommandRun.OfAsync("capacity", "ecs.t5-lc1m1.small");
        Assert.Equal(
            """
            ecs.t5-lc1m1.small: 1 ENIs (1 with members), 2 IPv4 and 1 IPv6 addresses each, trunk no, eRDMA interfaces 0
            mode             pods may join                       arithmetic
            shared           0    no, needs more than 11         (EniQuantity - 1) x EniPrivateIpAddressQuantity = (1 - 1) x 2 = 0
            shared, prefixes 0    no, needs more than 11         (EniQuantity - 1) x (EniPrivateIpAddressQuantity - 1) x 16 = (1 - 1) x (2 - 1) x 16 = 0
            exclusive        0    no, needs more than 6          EniQuantity - 1 = 1 - 1 = 0
            trunk members    0    beside the pods of shared ENIs EniTrunkSupported is false
            dual stack on shared ENIs: no, each IPv4 address needs an IPv6 one, and its ENIs have 2 and 1 (EniPrivateIpAddressQuantity, EniIpv6AddressQuantity)

            """, run.Output);
        Assert.Equal(1, run.Code);
    }

    [Fact]
    public async Task Unknown_type_names_the_flags_and_the_flags_suffice()
    {
        var unknown = await CommandRun.OfAsync("capacity", "ecs.new.large");
        Assert.Equal((2, ""), (unknown.Code, unknown.Output));
        Assert.Contains("--eni-quantity", unknown.Error, StringComparison.Ordinal);
        var given = await CommandRun.OfAsync("capacity", "ecs.new.large", "--eni-quantity", "5", "--eni-private-ip-address-quantity", "10", "--json");
        using var json = JsonDocument.Parse(given.Output);
        var shared = json.RootElement.GetProperty("modes")[0];
        Assert.Equal((40, true, 11), (shared.GetProperty("pods").GetInt32(), shared.GetProperty("joins").GetBoolean(), shared.GetProperty("moreThan").GetInt32()));
    }

    [Fact]
    public async Task Flags_override_the_table()
    {
        var run = await CommandRun.OfAsync("capacity", "ecs.g7.4xlarge", "--eni-quantity", "2", "--eni-ipv6-address-quantity", "0");
        Assert.Contains("(2 - 1) x 30 = 30", run.Output, StringComparison.Ordinal);
        Assert.Contains("no IPv6 addresses", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("capacity")]
    [InlineData("capacity", "ecs.g7.large", "--eni-quantity", "-1")]
    [InlineData("capacity", "ecs.g7.large", "--eni-quantity", "many")]
    [InlineData("nonsense")]
    public async Task Wrong_usage_is_exit_code_2(params string[] args)
    {
        var run = await CommandRun.OfAsync(args);
        Assert.Equal(2, run.Code);
        Assert.NotEmpty(run.Error);
    }
}
