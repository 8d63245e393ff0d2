using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.Linux.Tests.Netlink;

public sealed class TbfTests : RtnlTest
{
    [Theory]
    [InlineData(125_000ul, 3_000u, 20_000u)]
    [InlineData(1_250_000_000ul, 1_250_000u, 40_000_000u)]
    [InlineData(12_500_000_000ul, 12_500_000u, 400_000_000u)] // 100 Gbit/s needs the 64-bit rate
    public void Tbf_round_trips(ulong rate, uint burst, uint limit)
    {
        var (link, _) = Veth();
        Do(Node, b => b.TbfAdd(new() { LinkIndex = link, RateBytesPerSecond = rate, BurstBytes = burst, LimitBytes = limit, Handle = TcHandle.Of(1, 0) }));

        var qdisc = Assert.Single(Node.DumpQdiscs(link), q => q.Kind == "tbf");
        Assert.Equal((rate, limit, TcHandle.Root, TcHandle.Of(1, 0)), (qdisc.RateBytesPerSecond, qdisc.LimitBytes, qdisc.Parent, qdisc.Handle));
        // One tick of the kernel's clock is 64 ns.
        Assert.InRange(burst - qdisc.BurstBytes, 0u, (uint)(rate * 64 / 1_000_000_000) + 1);

        Do(Node, b => b.TbfReplace(new() { LinkIndex = link, RateBytesPerSecond = rate / 2, BurstBytes = burst, LimitBytes = limit, Handle = TcHandle.Of(1, 0) }));
        Assert.Equal(rate / 2, Node.DumpQdiscs(link).Single(q => q.Kind == "tbf").RateBytesPerSecond);
        Do(Node, b => b.QdiscDelete(new() { LinkIndex = link, Kind = "tbf" }));
        Assert.DoesNotContain(Node.DumpQdiscs(link), q => q.Kind == "tbf");
    }

    [Fact]
    public void Tbf_shows_the_same_in_tc_as_when_tc_made_it()
    {
        var (link, _) = Veth();
        Do(Node, b => b.TbfAdd(TbfSpec.FromLatency(link, 12_500_000, 12_500, TimeSpan.FromMilliseconds(25)) with { Handle = TcHandle.Of(1, 0) }));
        var ours = Tc("qdisc", "show", "dev", "n0", "root");
        Do(Node, b => b.QdiscDelete(new() { LinkIndex = link, Kind = "tbf" }));
        Tc("qdisc", "add", "dev", "n0", "root", "handle", "1:", "tbf", "rate", "100mbit", "burst", "12500", "latency", "25ms");
        Assert.Equal(Tc("qdisc", "show", "dev", "n0", "root"), ours);
        Assert.Contains("rate 100Mbit", ours, StringComparison.Ordinal);
    }

    [Fact]
    public void Tbf_of_four_times_the_rate_lets_four_times_as_much_through()
    {
        var (link, _) = Veth(addressed: true);
        var slow = BytesIn(link, 250_000);
        var fast = BytesIn(link, 1_000_000);
        Assert.InRange(fast / slow, 2.5, 6.0);
    }

    /// <summary>Bytes per second that arrive when much more is sent.</summary>
    private double BytesIn(int link, ulong rate)
    {
        Do(Node, b => b.TbfReplace(TbfSpec.FromLatency(link, rate, 5_000, TimeSpan.FromMilliseconds(50))));
        using var receiver = NetNsSocket.Create(Box.Thread, PodNs, AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        receiver.Bind(new IPEndPoint(IPAddress.Any, 0));
        receiver.ReceiveTimeout = 2000;
        var port = ((IPEndPoint)receiver.LocalEndPoint!).Port;
        using var sender = NetNsSocket.Create(Box.Thread, NodeNs, AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        sender.Connect(new IPEndPoint(Ip("10.0.0.2"), port));
        var payload = new byte[1000];
        using var stop = new CancellationTokenSource();
        var flood = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                for (var i = 0; i < 20; i++)
                    sender.Send(payload);
                Thread.Sleep(1);
            }
        });
        flood.Start();
        try
        {
            var buffer = new byte[2000];
            for (var warm = Stopwatch.StartNew(); warm.ElapsedMilliseconds < 200;)
                receiver.Receive(buffer);
            long bytes = 0;
            var clock = Stopwatch.StartNew();
            while (clock.ElapsedMilliseconds < 600)
                bytes += receiver.Receive(buffer);
            return bytes / clock.Elapsed.TotalSeconds;
        }
        finally
        {
            stop.Cancel();
            flood.Join();
        }
    }

    private string Tc(params string[] arguments)
    {
        var start = new ProcessStartInfo("nsenter") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])[$"--net={NodeNs.Description}", "tc", .. arguments])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, process.StandardError.ReadToEnd());
        return output;
    }
}
