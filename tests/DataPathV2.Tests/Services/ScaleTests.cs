using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Terway.Plugins.DataPathV2.Tests.Services;

/// <summary>Ten thousand Services with ten endpoints each, in the kernel's maps.</summary>
public sealed class ScaleTests
{
    private const int Services = 10_000;

    [Fact]
    public async Task Ten_thousand_services_are_written_one_change_writes_little_and_a_restart_nothing()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        using var box = await HookBox.CreateAsync();
        var all = Enumerable.Range(0, Services).Select(static n => Service(n, 10)).ToList();
        var clock = Stopwatch.StartNew();
        box.Set([.. all]);
        var programmed = clock.Elapsed;
        Assert.Equal((Services, Services), (box.Table.Services, box.Table.Frontends));
        Assert.Empty(box.Table.Refused);

        // An own one among them works.
        box.Set([.. all, Some.Service([.. HookBox.Backends4])]);
        Assert.Contains(box.Connect(box.Pod, Some.Ip, 80, SocketType.Stream).Reached, HookBox.Backends4);

        clock.Restart();
        box.Table.Apply(new ServiceChanges { Changed = [Service(77, 9)], Removed = [], Complete = true });
        var changed = clock.Elapsed;
        clock.Restart();
        await box.LoadAsync();
        box.Set([.. all[..77], Service(77, 9), .. all[78..], Some.Service([.. HookBox.Backends4])]);
        var restarted = clock.Elapsed;
        TestContext.Current.SendDiagnosticMessage(string.Create(
            CultureInfo.InvariantCulture, $"programmed in {programmed.TotalMilliseconds:F0} ms, one change {changed.TotalMilliseconds:F2} ms, restart {restarted.TotalMilliseconds:F0} ms"));
        // What is promised of a quiet machine is 2 s and 10 ms; this one may be busy.
        Assert.True(programmed < TimeSpan.FromSeconds(20) && changed < TimeSpan.FromSeconds(1), $"{programmed} {changed}");
    }

    private static Service Service(int number, int endpoints) => new()
    {
        Name = new ServiceName("default", string.Create(CultureInfo.InvariantCulture, $"s{number}")),
        ClusterAddresses = [new IPAddress([172, 22, (byte)(number >> 8), (byte)number])],
        Ports =
        [
            new ServicePort
            {
                Protocol = "TCP",
                Port = 80,
                Endpoints = [.. Enumerable.Range(0, endpoints).Select(e => new ServiceEndpoint { Address = new IPAddress([10, (byte)(2 + e), (byte)(number >> 8), (byte)number]), Port = 8080 })],
            },
        ],
    };
}
