using System.Net.Http.Headers;

namespace Terway.Cli.Doctor;

/// <summary>The node's clock against the cloud's: calls whose time is off are refused.</summary>
internal static class ClockCheck
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_noticeable = TimeSpan.FromSeconds(30);

    /// <summary>Signed calls are refused when they are further off than this.</summary>
    private static readonly TimeSpan s_refused = TimeSpan.FromMinutes(15);

    public static async Task<Check> RunAsync(Uri endpoint, TimeProvider time, CancellationToken cancellationToken)
    {
        const string name = "clock";
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = s_limit };
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, endpoint);
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            return Judge(response.Headers, time.GetUtcNow(), endpoint);
        }
        catch (Exception e) when (e is HttpRequestException || (e is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return Check.Warn(
                name, $"the metadata service {endpoint} does not answer: {(e is TaskCanceledException ? $"no answer within {s_limit.TotalSeconds} s" : e.GetBaseException().Message)}",
                "look whether a firewall or a route of a pod network catches 100.100.100.200; without it the daemon gets no RAM role credentials");
        }
    }

    private static Check Judge(HttpResponseHeaders headers, DateTimeOffset now, Uri endpoint)
    {
        const string name = "clock";
        if (headers.Date is not { } date) return Check.Ok(name, $"{endpoint} answers, and does not say the time");
        var skew = (now - date).Duration();
        if (skew < s_noticeable) return Check.Ok(name, "agrees with the cloud's");
        var text = $"it is {skew.TotalSeconds:0} s {(now > date ? "ahead of" : "behind")} the cloud's";
        const string fix = "see whether chronyd runs and reaches its servers";
        return skew < s_refused ? Check.Warn(name, text, fix) : Check.Fail(name, $"{text}: signed calls are refused", fix);
    }
}
