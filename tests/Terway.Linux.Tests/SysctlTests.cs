using Terway.Linux.Netlink;

namespace Terway.Linux.Tests;

public sealed class SysctlTests : IDisposable
{
    private readonly Sandbox _box = new();

    public void Dispose() => _box.Dispose();

    [Fact]
    public void Write_reaches_the_namespace_and_no_other()
    {
        var (ns, other) = (_box.NewNs(), _box.NewNs());
        Sysctl.Write(_box.Thread, ns, "net/ipv4/ip_forward", "1");
        Sysctl.Write(_box.Thread, other, "net.ipv4.ip_forward", "0");
        Assert.Equal("1", Sysctl.Read(_box.Thread, ns, "net.ipv4.ip_forward"));
        Assert.Equal("0", Sysctl.Read(_box.Thread, other, "net/ipv4/ip_forward"));
        Assert.Equal("1", _box.Thread.Run(ns, () => Sysctl.Read("net/ipv4/ip_forward")));
        _box.Thread.Run(ns, () => Sysctl.Write("net/ipv4/ip_forward", "0"));
        Assert.Equal("0", Sysctl.Read(_box.Thread, ns, "net/ipv4/ip_forward"));
    }

    [Fact]
    public void Interface_names_with_dots_work_in_all_spellings()
    {
        var ns = _box.NewNs();
        using var rtnl = RtnlSocket.Open(_box.Thread, ns);
        using var batch = new RtnlBatch();
        batch.VethAdd(new() { Link = new() { Name = "eth0.100" }, Peer = new() { Name = "p" } });
        rtnl.ExecuteOrThrow(batch);
        Sysctl.Write(_box.Thread, ns, Sysctl.InterfaceKey("ipv4", "eth0.100", "rp_filter"), "2");
        Assert.Equal("2", Sysctl.Read(_box.Thread, ns, "net.ipv4.conf.eth0/100.rp_filter"));
        Assert.Equal("2", Sysctl.Read(_box.Thread, ns, "net/ipv4/conf/eth0.100/rp_filter"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/etc/passwd")]
    [InlineData("net/../../etc/passwd")]
    [InlineData("net//ipv4")]
    [InlineData("net.ipv4.")]
    public void Keys_that_leave_the_tree_are_refused(string key) => Assert.ThrowsAny<ArgumentException>(() => Sysctl.PathOf(key));

    [Fact]
    public void Errors_name_the_key_and_the_value()
    {
        var ns = _box.NewNs();
        var missing = Assert.Throws<LinuxException>(() => Sysctl.Read(_box.Thread, ns, "net/ipv4/nope"));
        Assert.Equal(Errno.ENOENT, missing.Errno);
        Assert.Contains("net/ipv4/nope", missing.Message, StringComparison.Ordinal);
        var refused = Assert.Throws<LinuxException>(() => Sysctl.Write(_box.Thread, ns, "net/ipv4/ip_forward", "yes"));
        Assert.Equal(Errno.EINVAL, refused.Errno);
        Assert.Contains("net/ipv4/ip_forward = yes", refused.Message, StringComparison.Ordinal);
    }
}
