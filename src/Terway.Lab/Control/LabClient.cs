using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Terway.Lab.Control;

/// <summary>Talks to the lab that runs on a folder.</summary>
internal sealed class LabClient : IDisposable
{
    private readonly HttpClient _http;

    public LabClient(string folder)
    {
        var path = SocketOf(folder);
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, ct) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch (SocketException e)
                {
                    socket.Dispose();
                    throw new LabUnreachableException($"no lab is running on {folder} ({e.Message}); start one with: terway-lab up --dir {folder}");
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        _http = new HttpClient(handler) { BaseAddress = new Uri("http://lab/"), Timeout = TimeSpan.FromMinutes(5) };
    }

    public static string SocketOf(string folder) => Path.Combine(folder, "control.sock");

    public async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken ct)
    {
        using var response = await SendAsync(HttpMethod.Get, path, null, ct);
        return await JsonSerializer.DeserializeAsync(await response.Content.ReadAsStreamAsync(ct), type, ct) ?? throw new JsonException("the lab answered null");
    }

    public async Task<TOut> PostAsync<TIn, TOut>(string path, TIn body, JsonTypeInfo<TIn> inType, JsonTypeInfo<TOut> outType, CancellationToken ct)
    {
        using var response = await SendAsync(HttpMethod.Post, path, JsonSerializer.Serialize(body, inType), ct);
        return await JsonSerializer.DeserializeAsync(await response.Content.ReadAsStreamAsync(ct), outType, ct) ?? throw new JsonException("the lab answered null");
    }

    /// <summary>The raw answer, for what is passed on as it is.</summary>
    public async Task<string> SendTextAsync(HttpMethod method, string path, string? body, CancellationToken ct)
    {
        using var response = await SendAsync(method, path, body, ct);
        return await response.Content.ReadAsStringAsync(ct);
    }

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? body, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body) };
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, ct);
        }
        catch (HttpRequestException e) when (e.InnerException is LabUnreachableException inner)
        {
            throw inner;
        }

        if (response.IsSuccessStatusCode)
            return response;
        using (response)
            throw new LabRefusedException(ErrorOf(await response.Content.ReadAsStringAsync(ct), (int)response.StatusCode));
    }

    private static string ErrorOf(string body, int status)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            if (json.RootElement.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.String)
                return error.GetString()!;
        }
        catch (JsonException)
        {
            // Not the lab's own answer: shown as it came.
        }

        return $"the lab answered {status}: {body}";
    }
}

/// <summary>No lab listens on the folder.</summary>
internal sealed class LabUnreachableException(string message) : Exception(message);

/// <summary>The lab did not do what it was asked for.</summary>
internal sealed class LabRefusedException(string message) : Exception(message);
