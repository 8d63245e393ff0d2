using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Terway.Lab.Cloud.Faults;

namespace Terway.Lab.Cloud.Api;

/// <summary>
/// ECS and VPC OpenAPI, RPC style, signature version 3. Checks in the order of the gateway: form of the request, signature,
/// permission, flow control, action.
/// </summary>
internal sealed class OpenApiServer(Region region, CredentialStore credentials, CallLog log, TimeProvider time)
{
    private static readonly FrozenDictionary<string, string> s_products = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["2014-05-26"] = "ecs",
        ["2016-04-28"] = "vpc",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<(string Product, string Name), ApiAction> s_actions =
        EniActions.All.Concat(AddressActions.All).Concat(CatalogActions.All).ToFrozenDictionary(static a => (a.Product, a.Name));

    /// <summary>All actions, by name.</summary>
    public static IReadOnlyList<string> ActionNames { get; } = [.. s_actions.Keys.Select(static k => k.Name).Order(StringComparer.Ordinal)];

    private readonly RequestVerifier _verifier = new(credentials, time);
    private readonly CallThrottle _throttle = new(region.Config.Throttles, time);
    private readonly IdempotencyCache _idempotency = new(time);

    public async Task HandleAsync(HttpContext context)
    {
        var call = new CallInProgress(time.GetUtcNow(), time.GetTimestamp()) { ServerTime = time.GetUtcNow() };
        try
        {
            var request = await SignedRequest.ReadAsync(context.Request, context.RequestAborted);
            call.Action = request.Action.Length > 0 ? request.Action : "(none)";
            call.ClientToken = request.Query.Concat(request.Form).FirstOrDefault(static p => p.Key == "ClientToken").Value;
            var fault = region.Faults.OnCall(call.Action);
            call.ServerTime = time.GetUtcNow() + fault.ClockSkew;
            if (fault.BlackHole)
            {
                using (log.Hold())
                    await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                Finish(call, "BlackHole", 0);
                return;
            }
            if (fault.Unreachable)
            {
                Finish(call, "Unreachable", 0);
                context.Abort();
                return;
            }
            var delay = fault.Latency + region.Config.Delays.Call;
            if (delay > TimeSpan.Zero)
            {
                using (log.Hold())
                    await Task.Delay(delay, time, context.RequestAborted);
                call.ServerTime = time.GetUtcNow() + fault.ClockSkew;
            }
            if (fault.Refusal is not null)
                throw fault.Refusal;

            var write = await ExecuteAsync(request, call, fault);
            if (fault.LoseAnswer)
            {
                Finish(call, "LostAnswer", 0);
                context.Abort();
                return;
            }
            Finish(call, "OK", 200);
            await AnswerAsync(context, call, 200, write);
        }
        catch (CloudException e)
        {
            Finish(call, e.Code, e.HttpStatus);
            await RefuseAsync(context, call, e);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            Finish(call, "ClientGone", 0);
        }
#pragma warning disable CA1031 // The boundary: a defect of the lab must look like the cloud's InternalError, and say what it was.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Finish(call, "InternalError", 500);
            await RefuseAsync(context, call, new CloudException(500, "InternalError", e.ToString()));
        }
    }

    private async Task<Action<Utf8JsonWriter>> ExecuteAsync(SignedRequest request, CallInProgress call, FaultOutcome fault)
    {
        if (request.Method is not ("GET" or "POST"))
            throw new CloudException(405, "UnsupportedHTTPMethod", "This http method is not supported.");
        if (request.Action.Length == 0)
            throw CloudErrors.MissingParameter("x-acs-action");
        if (request.Version.Length == 0)
            throw CloudErrors.MissingParameter("x-acs-version");
        var caller = _verifier.Verify(request, call.ServerTime);
        call.AccessKeyId = caller.AccessKeyId;
        if (!s_products.TryGetValue(request.Version, out var product))
            throw new CloudException(400, "InvalidVersion", "Specified parameter Version is not valid.");
        if (request.Path != "/" || !s_actions.TryGetValue((product, request.Action), out var action))
            throw new CloudException(404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method.");
        Authorize(caller, action);
        _throttle.Count(action.Name);

        var parameters = new ApiParameters(request.Query.Concat(request.Form))
        {
            AsOf = fault.DescribeLag > TimeSpan.Zero ? time.GetUtcNow() - fault.DescribeLag : null,
            AtMost = fault.AtMost,
        };
        try
        {
            CheckRegion(parameters);
            var token = action.TakesClientToken ? ReadToken(parameters) : null;
            return token is null
                ? await action.Handler(region, parameters)
                : await _idempotency.RunAsync(action.Name, token, parameters.Fingerprint, () => action.Handler(region, parameters));
        }
        finally
        {
            call.Ignored = parameters.Ignored;
        }
    }

    private void Authorize(Caller caller, ApiAction action)
    {
        var permission = $"{action.Product}:{action.Name}";
        if (caller.InstanceId is null || region.Config.RamRole.Allow.Any(a => Allows(a, permission)))
            return;
        throw new CloudException(403, "Forbidden.RAM",
            $"User not authorized to operate on the specified resource, or this API doesn't support RAM. Missing permission: {permission}.");
    }

    private static bool Allows(string pattern, string permission) =>
        pattern.EndsWith('*') ? permission.StartsWith(pattern[..^1], StringComparison.Ordinal) : pattern == permission;

    private void CheckRegion(ApiParameters parameters)
    {
        var id = parameters.Required("RegionId");
        if (id != region.Id)
            throw new CloudException(404, "InvalidRegionId.NotFound", $"The specified RegionId \"{id}\" does not exist.");
    }

    private static string? ReadToken(ApiParameters parameters)
    {
        var token = parameters.Optional("ClientToken");
        if (token is not null && (token.Length > 64 || token.Any(static c => c > 127)))
            throw CloudErrors.InvalidParameter("ClientToken", "at most 64 ASCII characters are allowed");
        return token;
    }

    private void Finish(CallInProgress call, string code, int status) =>
        log.Add(new CallRecord(
            call.StartedAt, call.Action, code, status, time.GetElapsedTime(call.StartStamp), call.RequestId, call.AccessKeyId, call.ClientToken, call.Ignored));

    private static Task RefuseAsync(HttpContext context, CallInProgress call, CloudException error)
    {
        if (error.RetryAfter is { } wait)
            context.Response.Headers["x-acs-retry-after"] = ((long)Math.Ceiling(wait.TotalMilliseconds)).ToString(CultureInfo.InvariantCulture);
        return AnswerAsync(context, call, error.HttpStatus, json =>
        {
            json.WriteString("HostId", context.Request.Host.Host);
            json.WriteString("Code", error.Code);
            json.WriteString("Message", error.Message);
            json.WriteString("Recommend", $"https://api.aliyun.com/troubleshoot?q={Uri.EscapeDataString(error.Code)}");
        });
    }

    private static async Task AnswerAsync(HttpContext context, CallInProgress call, int status, Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("RequestId", call.RequestId);
            write(json);
            json.WriteEndObject();
        }
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json;charset=utf-8";
        context.Response.ContentLength = buffer.Length;
        context.Response.Headers["x-acs-request-id"] = call.RequestId;
        context.Response.Headers.Date = call.ServerTime.ToString("R", CultureInfo.InvariantCulture);
        await context.Response.Body.WriteAsync(buffer.GetBuffer().AsMemory(0, (int)buffer.Length), context.RequestAborted);
    }

    private sealed class CallInProgress(DateTimeOffset startedAt, long startStamp)
    {
        public DateTimeOffset StartedAt => startedAt;

        public long StartStamp => startStamp;

        /// <summary>What the service takes for the time.</summary>
        public DateTimeOffset ServerTime { get; set; }

        public string RequestId { get; } = Guid.NewGuid().ToString().ToUpperInvariant();

        public string Action { get; set; } = "(none)";

        public string AccessKeyId { get; set; } = "";

        public string? ClientToken { get; set; }

        public ImmutableArray<string> Ignored { get; set; } = [];
    }
}
