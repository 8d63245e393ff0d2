using System.Net.Sockets;
using Terway.Cni.Wire;

namespace Terway.Host.Observability;

/// <summary>
/// Whether the daemon still does its work. It is asked and not told: a STATUS goes the way of every CNI call, through socket, accept loop, threads and
/// handler, and the journal says how long it has been at one commit. A daemon that is merely not ready, or starting, is alive.
/// </summary>
internal static class Watchdog
{
    /// <summary>For an answer that comes from memory. Shorter than what a prober waits.</summary>
    public static TimeSpan CniLimit { get; } = TimeSpan.FromSeconds(3);

    /// <summary>A disk may be slow for a while: a restart would not make it faster.</summary>
    public static TimeSpan JournalLimit { get; } = TimeSpan.FromSeconds(60);

    /// <summary>What is stuck, or null.</summary>
    public static async Task<string?> FindStuckAsync(string cniSocket, TimeSpan commitSince, TimeSpan cniLimit, CancellationToken cancellationToken)
    {
        if (commitSince > JournalLimit) return $"the journal has been at one commit for {commitSince.TotalSeconds:F0} s: look at the disk of the state file";
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(cniLimit);
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(cniSocket), limit.Token).ConfigureAwait(false);
            await using var stream = new NetworkStream(socket, ownsSocket: false);
            await FrameStream.WriteAsync(stream, new CniRequest { Verb = CniVerb.Status, Config = Empty }, WireJson.Default.CniRequest, limit.Token).ConfigureAwait(false);
            return await FrameStream.ReadAsync(stream, WireJson.Default.CniResponse, limit.Token).ConfigureAwait(false) is null
                ? "the CNI server hung up on a STATUS" : null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"the CNI server did not answer a STATUS within {cniLimit.TotalSeconds:F0} s";
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return $"the CNI server cannot be reached on {cniSocket}: {e.Message}";
        }
    }

    private static System.Text.Json.JsonElement Empty { get; } = System.Text.Json.JsonElement.Parse("{}");
}
