using System.Text;
using Terway.AlibabaCloud.Errors;
using Terway.AlibabaCloud.Network;

namespace Terway.AlibabaCloud.Tests.Network;

/// <summary>Answers calls of the typed layer from a script and keeps what was asked.</summary>
internal sealed class CannedCloud(params Func<Dictionary<string, string>, string>[] answers)
{
    private int _next;

    public List<(string Product, string Action, Dictionary<string, string> Parameters)> Calls { get; } = [];

    public CloudNetwork Network => new(InvokeAsync);

    public static Func<Dictionary<string, string>, string> Json(string json) => _ => json;

    public static Func<Dictionary<string, string>, string> Refuse(string code) =>
        _ => throw new CloudApiException("ecs", "Action", code, "refused", System.Net.HttpStatusCode.BadRequest, "r-err");

    private Task<byte[]> InvokeAsync(string product, string action, IReadOnlyList<KeyValuePair<string, string>> parameters, CancellationToken ct)
    {
        Dictionary<string, string> asked = parameters.ToDictionary(p => p.Key, p => p.Value);
        Calls.Add((product, action, asked));
        try
        {
            return Task.FromResult(Encoding.UTF8.GetBytes(answers[_next++](asked)));
        }
        catch (CloudApiException e)
        {
            return Task.FromException<byte[]>(e);
        }
    }
}
