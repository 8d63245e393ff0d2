using Microsoft.Extensions.Logging.Abstractions;
using Terway.Plugins.DataPathV2.Datapath;

namespace Terway.Plugins.DataPathV2.Tests;

/// <summary>An ENI has its fair queue and the program before it as long as a limited pod sends by it.</summary>
public sealed class EniPacingTests : IDisposable
{
    private const string Key = $"pace/{DatapathBox.EniMac}";
    private static readonly Attachment s_first = DatapathBox.PodAttachment(1, egress: 1000);
    private static readonly Attachment s_second = DatapathBox.PodAttachment(2, egress: 1000);

    private readonly FakeHost _host = new();
    private readonly EniPacing _pacing;

    public EniPacingTests() => _pacing = new(_host);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _pacing.Dispose();

    [Fact]
    public async Task Objects_come_with_the_first_limited_pod_and_go_with_the_last()
    {
        await _pacing.EnsureAsync(s_first, Token);
        await _pacing.EnsureAsync(s_second, Token);
        KernelObject[] expected = [new KernelObject.FairQueue("eth1"), new KernelObject.TcProgram("eth1", false, "datapath-v1/dp_to_eni", 25000)];
        Assert.Equal(expected, _host.Objects[Key]);
        await _pacing.ReleaseAsync(s_first, Token);
        // A DEL that comes twice.
        await _pacing.ReleaseAsync(s_first, Token);
        Assert.Equal(expected, _host.Objects[Key]);
        await _pacing.ReleaseAsync(s_second, Token);
        Assert.Empty(_host.Objects);
    }

    [Fact]
    public async Task They_follow_a_link_that_comes_back_with_another_name()
    {
        _host.SetLink(DatapathBox.EniMac, s_first.EniLink);
        using var enis = new EniAccess(_host, _pacing, NullLogger.Instance);
        await enis.EnsureAsync(s_first, Token);
        await _pacing.EnsureAsync(s_first, Token);
        _host.SetLink(DatapathBox.EniMac, null);
        await UntilAsync(() => _host.Objects.IsEmpty);
        _host.SetLink(DatapathBox.EniMac, s_first.EniLink with { Name = "eth4", Index = 9 });
        await UntilAsync(() => _host.Objects.TryGetValue(Key, out var objects) && objects.OfType<KernelObject.FairQueue>().Single().LinkName == "eth4");
        await _pacing.ReleaseAsync(s_first, Token);
        Assert.DoesNotContain(Key, _host.Objects.Keys);
    }

    [Fact]
    public async Task Another_life_keeps_those_of_limited_pods_and_takes_the_rest_away()
    {
        var other = s_first.EniLink with { Mac = "02:00:00:00:03:02", Name = "eth2" };
        foreach (var link in (NodeLink[])[s_first.EniLink, other])
        {
            _host.SetLink(link.Mac, link);
            using var before = new EniAccess(_host, _pacing, NullLogger.Instance);
            await before.EnsureAsync(s_first with { EniLink = link }, Token);
        }

        // The other ENI's limited pod went while no daemon ran.
        _host.Objects[EniPacing.KeyOf(other.Mac)] = [new KernelObject.FairQueue("eth2")];
        using var next = new EniPacing(_host);
        next.Restore(s_first);
        using var enis = new EniAccess(_host, next, NullLogger.Instance);
        await enis.RestoreAsync([], Token);
        Assert.Equal("eth1", Assert.Single(_host.Objects[Key].OfType<KernelObject.FairQueue>()).LinkName);
        Assert.DoesNotContain(EniPacing.KeyOf(other.Mac), _host.Objects.Keys);
        await next.ReleaseAsync(s_first, Token);
        Assert.DoesNotContain(Key, _host.Objects.Keys);
    }

    [Fact]
    public async Task A_start_goes_on_without_what_cannot_be_made_but_a_new_pod_does_not()
    {
        _host.SetLink(DatapathBox.EniMac, s_first.EniLink);
        _host.Refused[Key] = "link eth1 has the queueing discipline htb 1:";
        using var enis = new EniAccess(_host, _pacing, NullLogger.Instance);
        await enis.EnsureAsync(s_first, Token);
        await Assert.ThrowsAsync<PodNetworkException>(() => _pacing.EnsureAsync(s_first, Token));

        using var next = new EniPacing(_host);
        next.Restore(s_first);
        using var again = new EniAccess(_host, next, NullLogger.Instance);
        await again.RestoreAsync([], Token);
        Assert.Contains($"eni/{DatapathBox.EniMac}", _host.Objects.Keys);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition()) await Task.Delay(5, Token);
    }
}
