using Microsoft.Extensions.Logging.Abstractions;
using Terway.Plugins.DataPathV2.Abi;
using Terway.Plugins.DataPathV2.Datapath;

namespace Terway.Plugins.DataPathV2.Tests;

public sealed class GoneLinksTests
{
    [Fact]
    public async Task Entries_of_a_link_that_goes_go_with_it_and_no_others()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var box = await DatapathBox.CreateAsync();
        var pods = box.Maps[DatapathPins.Pods4];
        // Of a pod that died while nobody watched.
        pods.Update(0x0a630001u, new Pod { IfIndex = 4711 });
        await using var gone = new GoneLinks(box.Maps, NullLogger.Instance);
        box.InNode(gone.Start);
        Assert.Equal(2, pods.Keys<uint>().Count);

        box.Do(batch => batch.LinkDelete("cali2"));
        while (pods.Keys<uint>().Count > 1 || box.Maps[DatapathPins.Pods6].Keys<Address16>().Count > 1)
            await Task.Delay(5, TestContext.Current.CancellationToken);
        Assert.Equal((uint)box.Cali1, Assert.Single(pods.Entries<uint, Pod>()).Value.IfIndex);

        // The address is the VPC's now, as if it had never been here.
        box.AssertOnly(PathTaken.PodToVpc, () => Assert.Equal(
            DatapathBox.Redirect, box.FromPod(Packet.OfPod1(Packet.IPv4(DatapathBox.Pod1, DatapathBox.Pod2, Packet.Tcp, Packet.Ports(1, 2))))));
    }
}
