using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.AlibabaCloud.Credentials;
using Terway.AlibabaCloud.Errors;

namespace Terway.AlibabaCloud.Transport;

/// <summary>
/// <see cref="ICloudTransport"/> over HTTP: signs with ACS3-HMAC-SHA256, keeps to the calls per minute of each API,
/// repeats what may be repeated, follows the server's clock when the own one is wrong. Thread-safe.
/// </summary>
public sealed partial class OpenApiTransport : ICloudTransport, IDisposable
{
    private static readonly TimeSpan s_worthLogging = TimeSpan.FromSeconds(5);

    private readonly OpenApiTransportOptions _options;
    private readonly ICredentialProvider _credentials;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ApiRateLimiter _limiter;
    private readonly CloudMetrics _metrics;
    private readonly OpenApiExchange _exchange;

    /// <summary>Creates the transport; nothing is sent before the first call.</summary>
    /// <param name="options">Region, endpoints, limits.</param>
    /// <param name="credentials">Asked once per try; expected to cache.</param>
    /// <param name="logger">Null for none.</param>
    /// <param name="time">Null for the system's.</param>
    /// <param name="meters">Null to create a meter of its own.</param>
    /// <exception cref="ArgumentException">No region, or a malformed endpoint.</exception>
    public OpenApiTransport(
        OpenApiTransportOptions options,
        ICredentialProvider credentials,
        ILogger<OpenApiTransport>? logger = null,
        TimeProvider? time = null,
        IMeterFactory? meters = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(credentials);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Retry.MaxAttempts);
        _options = options;
        _credentials = credentials;
        _time = time ?? TimeProvider.System;
        _logger = logger ?? (ILogger)NullLogger.Instance;
        _limiter = new ApiRateLimiter(options.RateLimits, options.MaxRateLimitWait, _time);
        _metrics = new CloudMetrics(meters);
        _exchange = new OpenApiExchange(options, CloudEndpoints.Resolve(options.Region, options.EcsEndpoint, options.VpcEndpoint), _time);
    }

    /// <inheritdoc/>
    public async Task<byte[]> InvokeAsync(
        string product, string action, IReadOnlyList<KeyValuePair<string, string>> parameters, CancellationToken ct)
    {
        ArgumentException.ThrowIfNullOrEmpty(action);
        ArgumentNullException.ThrowIfNull(parameters);
        string version = CloudProduct.VersionOf(product);
        List<KeyValuePair<string, string>> sent = WithRegion(parameters);
        bool repeatable = RetryClassifier.IsRepeatable(action, sent);
        bool clockCorrected = false;
        bool credentialRefreshed = false;

        for (int attempt = 1; ; attempt++)
        {
            await WaitForTurnAsync(product, action, ct);
            CloudCredential credential = await GetCredentialAsync(product, action, ct);
            long started = _time.GetTimestamp();
            CloudApiException error;
            try
            {
                byte[] body = await _exchange.SendAsync(product, version, action, sent, credential, ct);
                TimeSpan took = _time.GetElapsedTime(started);
                _metrics.Called(action, "OK", took);
                LogSucceeded(_logger, product, action, (long)took.TotalMilliseconds);
                return body;
            }
            catch (CloudApiException e)
            {
                error = e;
                _metrics.Called(action, e.Code, _time.GetElapsedTime(started));
            }

            if (error.IsThrottling)
                _limiter.BucketOf(action).OnThrottled();

            // Two kinds of refusal are cured by changing the request, once each, and cost no pause.
            if (!clockCorrected && CloudErrorCodes.IsClockSuspect(error.Code) && _exchange.TryCorrectClock(out TimeSpan offset))
            {
                clockCorrected = true;
                LogClockSkew(_logger, offset.TotalSeconds, _exchange.HostOf(product));
                continue;
            }

            if (!credentialRefreshed && CloudErrorCodes.IsStaleCredential(error.Code) && _credentials.Invalidate(credential))
            {
                credentialRefreshed = true;
                LogCredentialRefused(_logger, credential.Source, error.Code);
                continue;
            }

            bool again = RetryClassifier.Classify(error.Code, error.HttpStatus) switch
            {
                RetryClass.Refused => true,
                RetryClass.Unknown => repeatable || error.WasNeverSent,
                _ => false,
            };
            if (!again || attempt >= _options.Retry.MaxAttempts || error.RetryAfter > _options.Retry.MaxRetryAfter)
                throw error;

#pragma warning disable CA5394 // Jitter, not a secret.
            TimeSpan delay = _options.Retry.DelayAfter(attempt, error.RetryAfter, Random.Shared.NextDouble());
#pragma warning restore CA5394
            _metrics.Retried(action, error.Code);
            LogRetrying(_logger, attempt, product, action, error.Code, error.RequestId, error.Reason, (long)delay.TotalMilliseconds);
            await Task.Delay(delay, _time, ct);
        }
    }

    /// <summary>Closes the connections.</summary>
    public void Dispose()
    {
        _exchange.Dispose();
        _metrics.Dispose();
    }

    private List<KeyValuePair<string, string>> WithRegion(IReadOnlyList<KeyValuePair<string, string>> parameters)
    {
        List<KeyValuePair<string, string>> result = [.. parameters];
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach ((string name, _) in result)
        {
            if (!seen.Add(name))
                throw new ArgumentException($"Parameter {name} is given twice.", nameof(parameters));
        }

        if (!seen.Contains("RegionId"))
            result.Add(new("RegionId", _options.Region));
        return result;
    }

    private async Task WaitForTurnAsync(string product, string action, CancellationToken ct)
    {
        if (await _limiter.WaitAsync(action, ct) is not { } waited)
        {
            throw new CloudApiException(product, action, CloudErrorCodes.ClientRateLimited,
                $"{_limiter.BucketOf(action).CurrentRate:0} calls per minute are allowed and so many wait already that this one would wait "
                + $"more than {_options.MaxRateLimitWait.TotalSeconds:0} s. Raise rate_limit for {action} if the account's quota allows it.");
        }

        _metrics.Waited(action, waited);
        if (waited >= s_worthLogging)
            LogRateLimitWait(_logger, action, waited.TotalSeconds, _limiter.BucketOf(action).CurrentRate);
    }

    private async Task<CloudCredential> GetCredentialAsync(string product, string action, CancellationToken ct)
    {
        try
        {
            return await _credentials.GetAsync(ct);
        }
        catch (CredentialUnavailableException e)
        {
            throw new CloudApiException(product, action, CloudErrorCodes.NoCredential, e.Message, inner: e);
        }
    }
}
