using Microsoft.Extensions.Logging.Abstractions;
using Terway.Plugins.DataPathV2.Datapath;

namespace Terway.Plugins.DataPathV2.Tests;

/// <summary>An ENI's objects follow its link.</summary>
public sealed class EniAccessTests
{
    private const string Key = $"eni/{DatapathBox.EniMac}";
    private static readonly Attachment s_pod = DatapathBox.PodAttachment(1);

    private readonly FakeHost _host = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Objects_are_made_once_and_follow_a_link_that_goes_and_comes_back_with_another_name()
    {
        _host.SetLink(DatapathBox.EniMac, s_pod.EniLink);
        using var enis = new EniAccess(_host, new EniPacing(_host), NullLogger.Instance);
        await enis.EnsureAsync(s_pod, Token);
        await enis.EnsureAsync(DatapathBox.PodAttachment(2), Token);
        Assert.Equal(1, _host.Ensured);
        Assert.Equal("eth1", Assert.Single(_host.Objects[Key].OfType<KernelObject.TcProgram>()).LinkName);
        Assert.Equal("eth1", Assert.Single(_host.Objects[Key].OfType<KernelObject.MapEntry>()).LinkName);

        _host.SetLink(DatapathBox.EniMac, null);
        await UntilAsync(() => !_host.Objects.ContainsKey(Key));
        _host.SetLink(DatapathBox.EniMac, s_pod.EniLink with { Name = "eth4", Index = 9 });
        await UntilAsync(() => _host.Objects.TryGetValue(Key, out var objects) && objects.OfType<KernelObject.TcProgram>().Single().LinkName == "eth4");

        // And again: it is watched still.
        _host.SetLink(DatapathBox.EniMac, null);
        await UntilAsync(() => !_host.Objects.ContainsKey(Key));
    }

    [Fact]
    public async Task Another_life_takes_up_what_is_there_and_forgets_what_is_not()
    {
        var gone = s_pod with { EniLink = s_pod.EniLink with { Mac = "02:00:00:00:03:02", Name = "eth2" } };
        _host.SetLink(DatapathBox.EniMac, s_pod.EniLink);
        _host.SetLink(gone.EniLink.Mac, gone.EniLink);
        using (var first = new EniAccess(_host, new EniPacing(_host), NullLogger.Instance))
        {
            await first.EnsureAsync(s_pod, Token);
            await first.EnsureAsync(gone, Token);
        }

        var before = _host.Objects[Key];
        var next = new FakeHost { Store = _host.Store };
        next.SetLink(DatapathBox.EniMac, s_pod.EniLink);
        using var second = new EniAccess(next, new EniPacing(next), NullLogger.Instance);
        await second.RestoreAsync([s_pod, gone], Token);
        Assert.Equal(before, next.Objects[Key]);
        Assert.Single(next.Objects);
        Assert.Equal([Key], next.Store.Load(EniRecord.Prefix).Keys);
        await second.EnsureAsync(s_pod, Token);
        Assert.Equal(1, next.Ensured);
    }

    [Fact]
    public async Task A_life_without_records_takes_up_the_ENIs_of_the_pods_that_are_there()
    {
        var gone = s_pod with { EniLink = s_pod.EniLink with { Mac = "02:00:00:00:03:02", Name = "eth2" } };
        _host.SetLink(DatapathBox.EniMac, s_pod.EniLink);
        using (var first = new EniAccess(_host, new EniPacing(_host), NullLogger.Instance)) await first.EnsureAsync(s_pod, Token);
        var lost = new FakeHost();
        lost.SetLink(DatapathBox.EniMac, s_pod.EniLink with { Name = "eth7", Index = 70 });
        using var next = new EniAccess(lost, new EniPacing(lost), NullLogger.Instance);
        await next.RestoreAsync([s_pod, gone, DatapathBox.PodAttachment(2)], Token);
        // As it was, gateways included, but on the link as it is called now; and an ENI that is gone is none.
        var entry = Assert.Single(Assert.Single(lost.Objects).Value.OfType<KernelObject.MapEntry>());
        Assert.Equal(Assert.Single(_host.Objects[Key].OfType<KernelObject.MapEntry>()) with { LinkName = "eth7" }, entry);
        Assert.Equal([Key], lost.Store.Load(EniRecord.Prefix).Keys);
        Assert.Equal(1, lost.Ensured);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition()) await Task.Delay(5, Token);
    }
}
