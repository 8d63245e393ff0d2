using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.AlibabaCloud.Credentials;
using Terway.AlibabaCloud.Errors;

namespace Terway.AlibabaCloud.Transport;

/// <summary>
/// <see cref="ICloudTransport"/> over HTTP: signs with ACS3-HMAC-SHA256, keeps to the calls per minute of each API,
/// repeats what may be repeated, leaves an endpoint that is down alone, follows the server's clock when the own one is
/// wrong. Thread-safe.
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
    private readonly ConcurrentDictionary<string, EndpointCircuit> _circuits = new(StringComparer.Ordinal);

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

    /// <summary>The service's clock minus this node's, as the last answer showed it; zero before the first.</summary>
    public TimeSpan ClockSkew => _exchange.Clock.Skew;

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
        bool outcomeUnknown = false;
        EndpointCircuit circuit = CircuitOf(product);
        long begun = _time.GetTimestamp();

        for (int attempt = 1; ; attempt++)
        {
            CloudCredential credential;
            EndpointCircuit.Pass pass;
            try
            {
                // Before the wait for the rate limit, which could be long; and again after it.
                if (circuit.Refusal(product, action) is { } down)
                    throw down;
                await WaitForTurnAsync(product, action, ct);
                credential = await GetCredentialAsync(product, action, ct);
                pass = circuit.Enter(product, action);
            }
            catch (CloudApiException e) when (outcomeUnknown)
            {
                e.EarlierTryUnknown = true;
                throw;
            }

            long started = _time.GetTimestamp();
            CloudApiException error;
            try
            {
                byte[] body = await SendAsync(circuit, pass, product, version, action, sent, credential, ct);
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
            if (!clockCorrected && CloudErrorCodes.IsClockSuspect(error.Code) && _exchange.Clock.TryCorrect(out TimeSpan offset))
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

            outcomeUnknown |= error.OutcomeUnknown;
            bool again = RetryClassifier.Classify(error.Code, error.HttpStatus) switch
            {
                RetryClass.Refused => true,
                RetryClass.Unknown => repeatable || error.WasNeverSent,
                _ => false,
            };
            TimeSpan delay = _options.Retry.DelayAfter(attempt, error.RetryAfter, _options.Retry.Jitter());
            if (!again || attempt >= _options.Retry.MaxAttempts || error.RetryAfter > _options.Retry.MaxRetryAfter
                || _time.GetElapsedTime(begun) + delay > _options.Retry.MaxElapsed)
            {
                // A refusal at the door says nothing about the try before it.
                error.EarlierTryUnknown = outcomeUnknown && RetryClassifier.IsBeforeExecution(error.Code, error.HttpStatus);
                throw error;
            }

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

    private EndpointCircuit CircuitOf(string product) =>
        _circuits.GetOrAdd(_exchange.HostOf(product), static (host, time) => new EndpointCircuit(host, time), _time);

    private async Task<byte[]> SendAsync(
        EndpointCircuit circuit, EndpointCircuit.Pass pass, string product, string version, string action,
        List<KeyValuePair<string, string>> parameters, CloudCredential credential, CancellationToken ct)
    {
        bool ended = false;
        try
        {
            byte[] body = await _exchange.SendAsync(product, version, action, parameters, credential, ct);
            ended = true;
            Answered();
            return body;
        }
        catch (CloudApiException e)
        {
            ended = true;
            if (e.HttpStatus is not null)
                Answered();
            else if (circuit.Failed(pass, e) is EndpointCircuit.Change.Opened)
                LogEndpointDown(_logger, _exchange.HostOf(product), EndpointCircuit.Threshold, e.Reason);
            throw;
        }
        finally
        {
            if (!ended)
                circuit.Abandoned(pass);
        }

        void Answered()
        {
            if (circuit.Answered(pass) is EndpointCircuit.Change.Closed)
                LogEndpointBack(_logger, _exchange.HostOf(product));
        }
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
