using Terway.Plugins.DataPathV2.Services;

namespace Terway.Plugins.DataPathV2.Tests.Services;

public sealed class RehearsalTests
{
    [Fact]
    public void Every_kind_of_write_comes_in_it_and_nothing_is_left()
    {
        var maps = new MemoryMaps(16, 64, 16);
        var (frontends, members, backends) = (0, 0, 0);
        maps.Written = () =>
        {
            (frontends, members) = (Math.Max(frontends, maps.Frontends.Count), Math.Max(members, maps.MemberCount));
            foreach (var frontend in maps.Frontends.Values) backends = Math.Max(backends, (int)frontend.Count);
        };
        Rehearsal.Run(maps);
        Assert.Equal((2, 2), (frontends, backends));
        Assert.True(members > 0);
        Assert.Equal((0, 0), (maps.Frontends.Count, maps.MemberCount));
        // As it runs on a node.
        Rehearsal.Run();
    }
}
