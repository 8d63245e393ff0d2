using Terway.Lab.Cloud.Faults;

namespace Terway.Lab.Chaos;

/// <summary>Faults of the cloud as they come on a bad day: one at a time, each for a moment.</summary>
internal static class ChaosFaults
{
    private static readonly string[] s_calls =
    [
        "*", "AssignPrivateIpAddresses", "UnassignPrivateIpAddresses", "CreateNetworkInterface", "AttachNetworkInterface", "DetachNetworkInterface",
        "DeleteNetworkInterface", "DescribeNetworkInterfaces",
    ];

    /// <summary>A fault, and for how long.</summary>
    public static (FaultRule Rule, TimeSpan For) Next(Random random)
    {
        var api = s_calls[random.Next(s_calls.Length)];
        var calls = random.Next(1, 4);
        var moment = TimeSpan.FromMilliseconds(random.Next(100, 1500));
        return random.Next(9) switch
        {
            0 => (new FaultRule { Kind = FaultKind.Error, Api = api, Next = calls }, moment),
            1 => (new FaultRule { Kind = FaultKind.Error, Api = api, Code = "ServiceUnavailable", Status = 503, Next = calls }, moment),
            2 => (new FaultRule { Kind = FaultKind.Latency, Api = api, LatencyMs = random.Next(50, 800) }, moment),
            3 or 4 => (new FaultRule { Kind = FaultKind.LostAnswer, Api = api, Next = calls }, moment),
            5 => (new FaultRule { Kind = FaultKind.Throttle, Api = api, RetryAfterMs = random.Next(0, 500), Next = calls }, moment),
            6 => (new FaultRule { Kind = FaultKind.AttachRollback, Next = 1 }, moment),
            7 => (new FaultRule { Kind = FaultKind.Unreachable, Api = api }, moment / 2),
            _ => (new FaultRule { Kind = FaultKind.MetadataLag, LagMs = random.Next(100, 2000) }, moment),
        };
    }
}
