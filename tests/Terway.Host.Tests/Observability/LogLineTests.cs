using System.Reflection;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Terway.AlibabaCloud.Transport;
using Terway.Host.Observability;

namespace Terway.Host.Tests.Observability;

/// <summary>The log's two forms.</summary>
public sealed partial class LogLineTests
{
    private static readonly DateTimeOffset s_now = new(2026, 5, 4, 3, 2, 1, 7, TimeSpan.Zero);

    [Fact]
    public void Json_has_one_object_a_line_with_fields_by_name()
    {
        var lines = Log(JsonLine.Write, static log =>
        {
            LogAdded(log, "c1", 3, 12.5, true, null);
            log.LogError(new InvalidOperationException("line one\nline two"), "quotes \" and \n ends and {Time}", "mine");
        });
        Assert.Equal(2, lines.Length);
        var first = JsonNode.Parse(lines[0])!;
        Assert.Equal("2026-05-04T03:02:01.007Z", first["time"]!.GetValue<string>());
        Assert.Equal("warning", first["level"]!.GetValue<string>());
        Assert.Equal("Some.Category", first["category"]!.GetValue<string>());
        Assert.Equal(77, first["eventId"]!.GetValue<int>());
        Assert.Equal("LogAdded", first["event"]!.GetValue<string>());
        Assert.Equal("c1 has 3 in 12.5 ms True (null)", first["message"]!.GetValue<string>());
        Assert.Equal("""{"Container":"c1","Count":3,"Milliseconds":12.5,"Ok":true,"Nothing":null}""", first["fields"]!.ToJsonString());
        Assert.Null(first["exception"]);
        var second = JsonNode.Parse(lines[1])!;
        // A field cannot take the place of the line's own time.
        Assert.Equal("2026-05-04T03:02:01.007Z", second["time"]!.GetValue<string>());
        Assert.Equal("mine", second["fields"]!["Time"]!.GetValue<string>());
        Assert.Equal("quotes \" and \n ends and mine", second["message"]!.GetValue<string>());
        Assert.Contains("line one\nline two", second["exception"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public void Text_is_one_line_an_event()
    {
        var lines = Log(TextLine.Write, static log => log.LogError(new EventId(5), new InvalidOperationException("line one\nline two"), "first\r\nsecond {X}", 1));
        Assert.StartsWith("2026-05-04T03:02:01.007Z error Some.Category[5] first | second 1 | System.InvalidOperationException: line one | line two", Assert.Single(lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Fields_named_like_secrets_are_left_out()
    {
        var line = JsonLine.Write(new LogEvent(
            s_now, LogLevel.Information, "c", 1, "m", [new("AccessKeySecret", "s3cr3t"), new("SecurityToken", "s3cr3t"), new("Password", "s3cr3t"), new("Node", "n1")], null));
        Assert.DoesNotContain("s3cr3t", line, StringComparison.Ordinal);
        Assert.Equal("""{"Node":"n1"}""", JsonNode.Parse(line)!["fields"]!.ToJsonString());
    }

    [Fact]
    public void No_message_of_ours_has_a_place_for_a_secret()
    {
        var templates = new[] { typeof(Daemon).Assembly, typeof(OpenApiTransport).Assembly }
            .SelectMany(static a => a.GetTypes())
            .SelectMany(static t => t.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public))
            .Select(static m => m.GetCustomAttribute<LoggerMessageAttribute>()?.Message).OfType<string>().ToList();
        Assert.InRange(templates.Count, 50, int.MaxValue);
        Assert.DoesNotContain(templates, static t => Places().Matches(t).Any(static m => Secret().IsMatch(m.Value)));
    }

    private static string[] Log(LogLine format, Action<ILogger> write)
    {
        using var output = new MemoryStream();
        using (var provider = new LineLoggerProvider(output, LogLevel.Information, new FakeTimeProvider(s_now), format)) write(provider.CreateLogger("Some.Category"));
        var text = Encoding.UTF8.GetString(output.ToArray());
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        return text[..^1].Split('\n');
    }

    [LoggerMessage(EventId = 77, Level = LogLevel.Warning, Message = "{Container} has {Count} in {Milliseconds} ms {Ok} {Nothing}")]
    private static partial void LogAdded(ILogger log, string container, int count, double milliseconds, bool ok, string? nothing);

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Places();

    [GeneratedRegex("secret|token|password|accesskey", RegexOptions.IgnoreCase)]
    private static partial Regex Secret();
}
