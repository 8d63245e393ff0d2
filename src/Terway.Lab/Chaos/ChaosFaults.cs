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
        return random.Next(15) switch
        {
            0 => (new FaultRule { Kind = FaultKind.Error, Api = api, Next = calls }, moment),
            1 => (new FaultRule { Kind = FaultKind.Error, Api = api, Code = "ServiceUnavailable", Status = 503, Next = calls }, moment),
            2 => (new FaultRule { Kind = FaultKind.Latency, Api = api, LatencyMs = random.Next(50, 800) }, moment),
            3 or 4 => (new FaultRule { Kind = FaultKind.LostAnswer, Api = api, Next = calls }, moment),
            5 => (new FaultRule { Kind = FaultKind.Throttle, Api = api, RetryAfterMs = random.Next(0, 500), Next = calls }, moment),
            6 => (new FaultRule { Kind = FaultKind.AttachRollback, Next = 1 }, moment),
            7 => (new FaultRule { Kind = FaultKind.Unreachable, Api = api }, moment / 2),
            8 => (new FaultRule { Kind = FaultKind.MetadataLag, LagMs = random.Next(100, 2000) }, moment),
            // One call: a client waits 20 s for its answer, and the run with it.
            9 => (new FaultRule { Kind = FaultKind.BlackHole, Api = api, Next = 1 }, moment / 2),
            // The whole cloud's clock, as a node whose own is wrong sees it.
            10 => (new FaultRule { Kind = FaultKind.ClockSkew, SkewMs = (random.Next(2) == 0 ? 1 : -1) * random.Next(60_000, 3_600_000) }, moment),
            11 => (new FaultRule { Kind = FaultKind.DescribeLag, LagMs = random.Next(100, 3000) }, moment),
            12 => (new FaultRule { Kind = FaultKind.PartialAssign, AtMost = random.Next(0, 3) }, moment),
            13 => (random.Next(2) == 0
                ? new FaultRule { Kind = FaultKind.QuotaReduced, Enis = random.Next(2, 5) }
                : new FaultRule { Kind = FaultKind.QuotaReduced, Addresses = random.Next(3, 10) }, moment),
            _ => (new FaultRule { Kind = FaultKind.DetachHang, HangMs = random.Next(500, 5000) }, moment),
        };
    }
}
