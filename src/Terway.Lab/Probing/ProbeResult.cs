using System.Net;

namespace Terway.Lab.Probing;

/// <summary>What came of one attempt to talk.</summary>
/// <param name="SeenAs">source address and port as the other side saw it</param>
/// <param name="Error">why not, null when it worked</param>
public sealed record ProbeResult(bool Ok, TimeSpan Elapsed, IPEndPoint? SeenAs, string? Error)
{
    public override string ToString() => Ok ? $"ok, seen as {SeenAs}, {Elapsed.TotalMilliseconds:F2} ms" : $"failed: {Error}";
}
