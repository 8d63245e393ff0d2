using System.Net;
using System.Text.Json;

namespace Terway.Lab.Tests.Cloud;

internal sealed record AcsAnswer(HttpStatusCode Status, JsonElement Json)
{
    public string? RetryAfter { get; init; }

    public DateTimeOffset? Date { get; init; }

    public string Code => Json.TryGetProperty(nameof(Code), out var code) ? code.GetString()! : "OK";

    public string Text(string name) => Json.GetProperty(name).GetString()!;

    /// <summary>The array in <c>outer.inner</c>.</summary>
    public IReadOnlyList<JsonElement> Items(string outer, string inner) => [.. Json.GetProperty(outer).GetProperty(inner).EnumerateArray()];

    public AcsAnswer Expect(int status, string code)
    {
        Assert.True(Code == code && (int)Status == status, $"expected {status} {code}, got {(int)Status} {Json}");
        return this;
    }

    public AcsAnswer Ok() => Expect(200, "OK");
}
