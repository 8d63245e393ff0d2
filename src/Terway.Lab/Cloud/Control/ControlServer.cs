using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Terway.Lab.Cloud.Api;
using Terway.Lab.Cloud.Faults;

namespace Terway.Lab.Cloud.Control;

/// <summary>
/// The lab's own way in, on a listener of its own: <c>/lab/faults</c> (GET, POST, DELETE all or <c>/lab/faults/ID</c>),
/// <c>/lab/region</c> (GET), <c>/lab/calls</c> (GET with <c>?last=N</c>, DELETE to reset).
/// </summary>
internal sealed class ControlServer(Region region, CallLog calls)
{
    private const int DefaultLast = 100;

    public async Task HandleAsync(HttpContext context)
    {
        var request = context.Request;
        var path = (request.Path.Value ?? "/").TrimEnd('/');
        switch (request.Method, path)
        {
            case ("GET", "/lab/faults"):
                await WriteAsync(context, 200, WriteFaults);
                break;
            case ("POST", "/lab/faults"):
                await AddFaultAsync(context);
                break;
            case ("DELETE", "/lab/faults"):
                region.Faults.Clear();
                context.Response.StatusCode = 204;
                break;
            case ("DELETE", _) when path.StartsWith("/lab/faults/", StringComparison.Ordinal):
                await RemoveFaultAsync(context, path["/lab/faults/".Length..]);
                break;
            case ("GET", "/lab/region"):
                await WriteAsync(context, 200, json => RegionJson.Write(json, region));
                break;
            case ("GET", "/lab/calls"):
                var last = int.TryParse(request.Query["last"], NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : DefaultLast;
                await WriteAsync(context, 200, json => WriteCalls(json, last));
                break;
            case ("DELETE", "/lab/calls"):
                calls.Reset();
                context.Response.StatusCode = 204;
                break;
            default:
                await FailAsync(context, 404, $"{request.Method} {path} is unknown; there are /lab/faults, /lab/region and /lab/calls");
                break;
        }
    }

    private async Task AddFaultAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        try
        {
            var rule = region.Faults.Add(FaultJson.Parse(await reader.ReadToEndAsync(context.RequestAborted)));
            await WriteAsync(context, 201, json => FaultJson.Write(json, new FaultState(rule, default, 0, 0)));
        }
        catch (ArgumentException e)
        {
            await FailAsync(context, 400, e.Message);
        }
    }

    private async Task RemoveFaultAsync(HttpContext context, string id)
    {
        if (region.Faults.Remove(id))
            context.Response.StatusCode = 204;
        else
            await FailAsync(context, 404, $"there is no fault '{id}'");
    }

    private void WriteFaults(Utf8JsonWriter json)
    {
        json.WriteStartArray();
        foreach (var state in region.Faults.List())
            FaultJson.Write(json, state);
        json.WriteEndArray();
    }

    private void WriteCalls(Utf8JsonWriter json, int last)
    {
        var records = calls.Records;
        json.WriteStartObject();
        WriteCounts("counts", calls.Counts);
        WriteCounts("codes", calls.Codes);
        json.WriteNumber("total", calls.Counts.Values.Sum());
        json.WriteNumber("held", calls.Held);
        json.WriteStartArray("last");
        foreach (var record in records.AsSpan()[Math.Max(0, records.Length - last)..])
        {
            json.WriteStartObject();
            json.WriteString("at", record.At);
            json.WriteString("action", record.Action);
            json.WriteString("code", record.Code);
            json.WriteNumber("status", record.HttpStatus);
            json.WriteNumber("durationMs", Math.Round(record.Duration.TotalMilliseconds, 3));
            json.WriteString("requestId", record.RequestId);
            json.WriteString("accessKeyId", record.AccessKeyId);
            if (record.ClientToken is not null)
                json.WriteString("clientToken", record.ClientToken);
            if (!record.IgnoredParameters.IsEmpty)
            {
                json.WriteStartArray("ignoredParameters");
                foreach (var name in record.IgnoredParameters)
                    json.WriteStringValue(name);
                json.WriteEndArray();
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();

        void WriteCounts(string name, IReadOnlyDictionary<string, int> counts)
        {
            json.WriteStartObject(name);
            foreach (var (key, count) in counts)
                json.WriteNumber(key, count);
            json.WriteEndObject();
        }
    }

    private static Task FailAsync(HttpContext context, int status, string message) => WriteAsync(context, status, json =>
    {
        json.WriteStartObject();
        json.WriteString("error", message);
        json.WriteEndObject();
    });

    private static async Task WriteAsync(HttpContext context, int status, Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
            write(json);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json; charset=utf-8";
        await context.Response.Body.WriteAsync(buffer.GetBuffer().AsMemory(0, (int)buffer.Length), context.RequestAborted);
    }
}
