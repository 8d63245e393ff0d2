namespace Terway.AlibabaCloud.Tests.Servers;

/// <summary>What the server answers; <see cref="Abort"/> breaks the connection instead.</summary>
internal sealed record Reply(int Status, string Body)
{
    public string? RetryAfter { get; init; }

    public string? StandardRetryAfter { get; init; }

    public bool Abort { get; init; }

    public static Reply Ok(string body = """{"RequestId":"r-ok"}""") => new(200, body);

    public static Reply Error(int status, string code) =>
        new(status, $$"""{"Code":"{{code}}","Message":"refused","RequestId":"r-err","HostId":"here"}""");

    public static Reply Broken() => new(0, "") { Abort = true };
}
