using System.Net;
using System.Net.Sockets;
using System.Text;
using Terway.Lab.Probing;
using Terway.Linux.Namespaces;

namespace Terway.EndToEnd.Tests.Fixtures;

/// <summary>Fetches a container's page from inside a namespace, as a process there would.</summary>
internal static class WebProbe
{
    /// <summary>What follows the head of an answer, without blanks at its ends.</summary>
    public static string PageOf(string answer)
    {
        var end = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        return end >= 0 && answer.Contains(" 200 ", StringComparison.Ordinal) ? answer[end..].Trim() : throw new InvalidDataException($"not a page: {answer}");
    }

    /// <returns>The page's text.</returns>
    public static async Task<string> GetAsync(NetNsThread thread, NetNs from, IPAddress server, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(TimeSpan.FromSeconds(10));
        while (true)
        {
            try
            {
                using var socket = await Probe.ConnectAsync(thread, from, new IPEndPoint(server, 80), null, limit.Token);
                using var stream = new NetworkStream(socket, ownsSocket: false);
                await stream.WriteAsync(Encoding.ASCII.GetBytes("GET / HTTP/1.0\r\n\r\n"), limit.Token);
                using var reader = new StreamReader(stream, Encoding.ASCII);
                return PageOf(await reader.ReadToEndAsync(limit.Token));
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused && !limit.IsCancellationRequested)
            {
                // The container runs, its server does not listen yet.
                await Task.Delay(50, limit.Token);
            }
        }
    }
}
