using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using Terway.Cni.Wire;
using Terway.Lab.Nodes;

namespace Terway.Bench;

/// <summary>Exec of the daemon until it answers STATUS with yes.</summary>
internal static class ReadyProbe
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    public static async Task<double> MeasureAsync(TerwaydProcess daemon, string socketPath, CancellationToken ct)
    {
        var begin = Stopwatch.GetTimestamp();
        daemon.Start();
        while (!await IsReadyAsync(socketPath, ct))
        {
            if (Stopwatch.GetElapsedTime(begin) > s_limit) throw new InvalidOperationException($"not ready after {s_limit.TotalSeconds} s, see {daemon.LogFile}");
            await Task.Delay(2, ct);
        }

        return Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
    }

    private static async Task<bool> IsReadyAsync(string socketPath, CancellationToken ct)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), ct);
            await using var stream = new NetworkStream(socket);
            using var config = JsonDocument.Parse("""{"cniVersion":"1.1.0","name":"bench","type":"terway"}""");
            await FrameStream.WriteAsync(
                stream, new CniRequest { Verb = CniVerb.Status, Config = config.RootElement, DeadlineMs = 1000 }, WireJson.Default.CniRequest, ct);
            return await FrameStream.ReadAsync(stream, WireJson.Default.CniResponse, ct) is { Ok: true };
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }
}
