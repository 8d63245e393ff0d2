using System.Globalization;
using System.Net.Http.Headers;

namespace Terway.AlibabaCloud.Transport;

/// <summary>How long an answer asks to wait.</summary>
internal static class RetryAfter
{
    /// <summary>
    /// <c>x-acs-retry-after</c> (milliseconds), else the standard header (seconds or a date, which gateways in front of the
    /// API send). Zero, negative and unreadable values mean "no wish".
    /// </summary>
    public static TimeSpan? Of(HttpResponseHeaders headers, DateTimeOffset serverNow)
    {
        if (headers.TryGetValues("x-acs-retry-after", out IEnumerable<string>? values))
        {
            return long.TryParse(values.First(), NumberStyles.Integer, CultureInfo.InvariantCulture, out long ms) && ms is > 0 and < int.MaxValue
                ? TimeSpan.FromMilliseconds(ms)
                : null;
        }

        TimeSpan? wish = headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - serverNow,
            _ => null,
        };
        return wish > TimeSpan.Zero && wish < TimeSpan.FromMilliseconds(int.MaxValue) ? wish : null;
    }
}
