using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace Terway.Lab.Cloud.Metadata;

/// <summary>
/// Instance metadata as under 100.100.100.200: plain text by path, directories end in a slash, a token by PUT where it is asked for.
/// </summary>
/// <param name="instanceOf">The instance that a source address belongs to; null: 404, as for a stranger.</param>
internal sealed class MetadataServer(Region region, CredentialStore credentials, Func<IPAddress, string?> instanceOf, TimeProvider time)
{
    private const string TokenHeader = "X-aliyun-ecs-metadata-token";
    private const string TtlHeader = "X-aliyun-ecs-metadata-token-ttl-seconds";
    private const string Root = "/latest/meta-data";
    private const int MaxTtlSeconds = 21_600;
    private const int MaxTokens = 10_000;

    private readonly ConcurrentDictionary<string, (string InstanceId, DateTimeOffset Until)> _tokens = new(StringComparer.Ordinal);

    public async Task HandleAsync(HttpContext context)
    {
        var fault = region.Faults.OnCall("metadata");
        if (fault.BlackHole)
        {
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }
        if (fault.Unreachable)
        {
            context.Abort();
            return;
        }
        if (fault.Latency > TimeSpan.Zero)
            await Task.Delay(fault.Latency, time, context.RequestAborted);
        var (status, body) = fault.Refusal is { } refusal ? (refusal.HttpStatus, refusal.Message) : Answer(context, fault.ClockSkew);
        if (fault.LoseAnswer)
        {
            context.Abort();
            return;
        }
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.Date = (time.GetUtcNow() + fault.ClockSkew).ToString("R", CultureInfo.InvariantCulture);
        await context.Response.WriteAsync(body, context.RequestAborted);
    }

    private (int Status, string Body) Answer(HttpContext context, TimeSpan skew)
    {
        var instance = context.Connection.RemoteIpAddress is { } remote && instanceOf(remote) is { } id ? region.FindInstance(id) : null;
        if (instance is null)
            return (404, "not an instance of this region");
        var path = context.Request.Path.Value ?? "/";
        if (path == "/latest/api/token")
            return IssueToken(context.Request, instance.Id);
        if (context.Request.Method is not ("GET" or "HEAD"))
            return (405, "");
        if (RefusesToken(context.Request, instance.Id) is { } refused)
            return (refused, "");
        if (!path.StartsWith(Root, StringComparison.Ordinal))
            return (404, "");
        return Find(instance, path[Root.Length..].Split('/', StringSplitOptions.RemoveEmptyEntries), skew) is { } found ? (200, found) : (404, "");
    }

    private (int Status, string Body) IssueToken(HttpRequest request, string instanceId)
    {
        if (request.Method != "PUT")
            return (405, "");
        if (!int.TryParse(request.Headers[TtlHeader].ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var ttl)
            || ttl is < 1 or > MaxTtlSeconds)
            return (400, "");
        var now = time.GetUtcNow();
        if (_tokens.Count >= MaxTokens)
        {
            foreach (var old in _tokens.Where(t => t.Value.Until <= now))
                _tokens.TryRemove(old);
        }
        var token = Convert.ToBase64String(RandomNumberGenerator.GetBytes(33));
        _tokens[token] = (instanceId, now.AddSeconds(ttl));
        return (200, token);
    }

    /// <summary>403 without a token where one is needed, 401 with one that is wrong, expired or another instance's.</summary>
    private int? RefusesToken(HttpRequest request, string instanceId)
    {
        var token = request.Headers[TokenHeader].ToString();
        if (token.Length == 0)
            return region.Config.Metadata.TokenRequired ? 403 : null;
        return _tokens.TryGetValue(token, out var issued) && issued.InstanceId == instanceId && issued.Until > time.GetUtcNow() ? null : 401;
    }

    private string? Find(InstanceSnapshot instance, string[] path, TimeSpan skew)
    {
        var enis = region.MetadataOf(instance.Id);
        if (enis.IsEmpty)
            return null;
        var primary = enis[0];
        return path switch
        {
            [] => "hostname\ninstance/\ninstance-id\nmac\nnetwork/\nprivate-ipv4\nram/\nregion-id\nvpc-cidr-block\nvpc-id\nvswitch-cidr-block\nvswitch-id\nzone-id",
            ["instance-id"] => instance.Id,
            ["hostname"] => instance.Name,
            ["instance"] => "instance-name\ninstance-type",
            ["instance", "instance-type"] => instance.Type.Id,
            ["instance", "instance-name"] => instance.Name,
            ["region-id"] => region.Id,
            ["zone-id"] => instance.ZoneId,
            ["mac"] => primary.Mac,
            ["private-ipv4"] => primary.PrimaryIp.ToString(),
            ["vpc-id"] => instance.VpcId,
            ["vpc-cidr-block"] => region.Config.Vpc.Cidr.ToString(),
            ["vswitch-id"] => primary.VSwitchId,
            ["vswitch-cidr-block"] => primary.VSwitchCidr.ToString(),
            ["owner-account-id"] => region.Config.AccountId,
            ["network"] => "interfaces/",
            ["network", "interfaces"] => "macs/",
            ["network", "interfaces", "macs"] => string.Join('\n', enis.Select(static e => e.Mac + "/")),
            ["network", "interfaces", "macs", var mac, .. var rest] => enis.FirstOrDefault(e => e.Mac == mac) is { } eni ? EniMetadata.Find(eni, rest) : null,
            ["ram"] => "security-credentials/",
            ["ram", "security-credentials"] => region.Config.RamRole.Name,
            ["ram", "security-credentials", var role] when role == region.Config.RamRole.Name => RoleJson.Write(credentials.IssueFor(instance.Id), skew),
            _ => null,
        };
    }
}
