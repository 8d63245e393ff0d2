using System.Diagnostics.Metrics;
using System.Net;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using Terway.AlibabaCloud.Credentials;
using Terway.AlibabaCloud.Errors;
using Terway.AlibabaCloud.Tests.Servers;
using Terway.AlibabaCloud.Transport;

namespace Terway.AlibabaCloud.Tests.Transport;

public sealed class OpenApiTransportTests : IAsyncDisposable
{
    private const double Jitter = 0.6;

    private readonly FakeTimeProvider _time = Clock.Create();
    private readonly OpenApiServer _server;

    public OpenApiTransportTests() => _server = new OpenApiServer(_time);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task InvokeAsync_accepted_call_carries_region_version_and_odd_characters()
    {
        using OpenApiTransport transport = Create();
        byte[] body = await Call(transport, "DescribeNetworkInterfaces", new("Tag.1.Key", "a b*~+&=/%"), new("Tag.1.Value", "专有网络"), new("Empty", ""));

        Assert.Equal("""{"RequestId":"r-ok"}""", Encoding.UTF8.GetString(body));
        ReceivedCall call = Assert.Single(_server.Calls);
        Assert.Empty(_server.Refusals);
        Assert.Equal("2014-05-26", call.Version);
        Assert.Equal("cn-test", call.Parameters["RegionId"]);
        Assert.Equal("a b*~+&=/%", call.Parameters["Tag.1.Key"]);
        Assert.Equal("专有网络", call.Parameters["Tag.1.Value"]);
        Assert.Equal("", call.Parameters["Empty"]);
        Assert.StartsWith("Kubernetes.Alicloud", call.Headers["user-agent"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeAsync_vpc_product_uses_its_own_version()
    {
        using OpenApiTransport transport = Create();
        await _time.RunAsync(transport.InvokeAsync("vpc", "DescribeVSwitches", [new("RegionId", "other")], Ct));
        ReceivedCall call = Assert.Single(_server.Calls);
        Assert.Equal("2016-04-28", call.Version);
        Assert.Equal("other", call.Parameters["RegionId"]);
    }

    [Fact]
    public async Task InvokeAsync_wrong_secret_fails_without_repeating()
    {
        _server.AccessKeySecret = "another";
        using OpenApiTransport transport = Create();
        CloudApiException e = await Assert.ThrowsAsync<CloudApiException>(() => Call(transport, "DescribeVSwitches"));
        Assert.Equal(CloudErrorCodes.SignatureDoesNotMatch, e.Code);
        Assert.Single(_server.Refusals);
    }

    [Fact]
    public async Task InvokeAsync_temporary_key_is_sent_signed()
    {
        _server.SecurityToken = "sts/token+=";
        using OpenApiTransport transport = Create(new FixedCredentials(
            new CloudCredential(_server.AccessKeyId, _server.AccessKeySecret, "test", "sts/token+=", _time.GetUtcNow().AddHours(1))));
        await Call(transport, "DescribeNetworkInterfaces");
        Assert.Single(_server.Calls);
    }

    [Theory]
    [InlineData("Throttling", 400)]
    [InlineData("Throttling.User", 400)]
    [InlineData("ServiceUnavailable", 503)]
    [InlineData("InternalError", 500)]
    [InlineData("NeverSeenBefore", 502)]
    public async Task InvokeAsync_passing_failure_is_repeated_with_growing_pauses(string code, int status)
    {
        _server.Script = (_, n) => n < 3 ? Reply.Error(status, code) : Reply.Ok();
        using OpenApiTransport transport = Create();
        await Call(transport, "DescribeNetworkInterfaces");

        ReceivedCall[] calls = [.. _server.Calls];
        Assert.Equal(4, calls.Length);
        Assert.Equal(4, calls.Select(c => c.Headers["x-acs-signature-nonce"]).Distinct().Count());
        RetryOptions options = new();
        for (int i = 1; i < calls.Length; i++)
            Assert.True(calls[i].At - calls[i - 1].At >= options.DelayAfter(i, null, Jitter), $"Pause {i} was too short.");
    }

    [Theory]
    [InlineData("Forbidden.RAM", 403)]
    [InlineData("InvalidVSwitchId.IpNotEnough", 400)]
    [InlineData("QuotaExceeded.PrivateIpAddress", 400)]
    [InlineData("IdempotentFailed", 400)]
    public async Task InvokeAsync_definite_refusal_is_reported_at_once(string code, int status)
    {
        _server.Script = (_, _) => Reply.Error(status, code);
        using OpenApiTransport transport = Create();
        CloudApiException e = await Assert.ThrowsAsync<CloudApiException>(() => Call(transport, "CreateNetworkInterface", KeyValuePair.Create("ClientToken", "t")));
        Assert.Equal(code, e.Code);
        Assert.Equal("r-err", e.RequestId);
        Assert.Equal((HttpStatusCode)status, e.HttpStatus);
        Assert.Equal("CreateNetworkInterface", e.Action);
        Assert.False(e.IsRetryable);
        Assert.False(e.OutcomeUnknown);
        Assert.Single(_server.Calls);
    }

    [Fact]
    public async Task InvokeAsync_lasting_failure_ends_after_the_allowed_tries()
    {
        _server.Script = (_, _) => Reply.Error(400, "Throttling.Api");
        using OpenApiTransport transport = Create(tries: 3);
        CloudApiException e = await Assert.ThrowsAsync<CloudApiException>(() => Call(transport, "DescribeVSwitches"));
        Assert.True(e.IsThrottling);
        Assert.Equal(3, _server.Calls.Count);
    }

    [Fact]
    public async Task InvokeAsync_lost_answer_is_repeated_with_the_same_ClientToken()
    {
        _server.Script = (_, n) => n == 0 ? Reply.Broken() : Reply.Ok();
        using OpenApiTransport transport = Create();
        await Call(transport, "CreateNetworkInterface", KeyValuePair.Create("ClientToken", "t-1"));
        Assert.Equal(["t-1", "t-1"], _server.Calls.Select(c => c.Parameters["ClientToken"]));
    }

    [Fact]
    public async Task InvokeAsync_lost_answer_of_a_creation_without_ClientToken_is_not_repeated()
    {
        _server.Script = (_, _) => Reply.Broken();
        using OpenApiTransport transport = Create();
        CloudApiException e = await Assert.ThrowsAsync<CloudApiException>(() => Call(transport, "CreateNetworkInterface"));
        Assert.Equal(CloudErrorCodes.TransportError, e.Code);
        Assert.Null(e.HttpStatus);
        Assert.True(e.OutcomeUnknown);
        Assert.Single(_server.Calls);
    }

    [Fact]
    public async Task InvokeAsync_throttled_creation_without_ClientToken_is_repeated()
    {
        _server.Script = (_, n) => n == 0 ? Reply.Error(400, "Throttling") : Reply.Ok();
        using OpenApiTransport transport = Create();
        await Call(transport, "CreateNetworkInterface");
        Assert.Equal(2, _server.Calls.Count);
    }

    [Fact]
    public async Task InvokeAsync_nobody_listens_is_a_transport_error_that_names_the_host()
    {
        string gone = _server.Authority;
        await _server.DisposeAsync();
        using OpenApiTransport transport = Create(tries: 2);
        CloudApiException e = await Assert.ThrowsAsync<CloudApiException>(() => Call(transport, "CreateNetworkInterface"));
        Assert.Equal(CloudErrorCodes.TransportError, e.Code);
        Assert.Contains(gone, e.Message, StringComparison.Ordinal);
        Assert.True(e.IsRetryable);
        Assert.False(e.OutcomeUnknown);
    }

    [Fact]
    public async Task InvokeAsync_no_answer_is_a_timeout()
    {
        TaskCompletionSource hold = new();
        _server.BeforeAnswer = () => hold.Task;
        using OpenApiTransport transport = Create(tries: 1, timeout: TimeSpan.FromSeconds(20));
        CloudApiException e = await Assert.ThrowsAsync<CloudApiException>(() => Call(transport, "DescribeVSwitches"));
        hold.SetResult();
        Assert.Equal(CloudErrorCodes.RequestTimeout, e.Code);
    }

    [Fact]
    public async Task InvokeAsync_retry_after_is_honoured()
    {
        _server.Script = (_, n) => n == 0 ? Reply.Error(400, "Throttling.User") with { RetryAfter = "17000" } : Reply.Ok();
        using OpenApiTransport transport = Create();
        await Call(transport, "DescribeVSwitches");
        ReceivedCall[] calls = [.. _server.Calls];
        Assert.True(calls[1].At - calls[0].At >= TimeSpan.FromSeconds(17));
    }

    [Theory]
    [InlineData("19")]
    [InlineData("Sun, 01 Mar 2026 12:00:30 GMT")]
    public async Task InvokeAsync_standard_Retry_After_of_a_gateway_is_honoured(string value)
    {
        _server.Script = (_, n) => n == 0 ? Reply.Error(503, "ServiceUnavailable") with { StandardRetryAfter = value } : Reply.Ok();
        using OpenApiTransport transport = Create();
        await Call(transport, "DescribeVSwitches");
        ReceivedCall[] calls = [.. _server.Calls];
        Assert.True(calls[1].At - calls[0].At >= TimeSpan.FromSeconds(19), $"The pause was {calls[1].At - calls[0].At}.");
    }

    [Fact]
    public async Task InvokeAsync_tries_end_when_their_time_is_over()
    {
        _server.Script = (_, _) => Reply.Error(400, "Throttling.User") with { RetryAfter = "50000" };
        using OpenApiTransport transport = Create(tries: 100);
        await Assert.ThrowsAsync<CloudApiException>(() => Call(transport, "DescribeVSwitches"));
        Assert.Equal(3, _server.Calls.Count);
    }

    [Fact]
    public async Task InvokeAsync_lost_answer_then_throttled_to_the_end_has_an_unknown_outcome()
    {
        _server.Script = (_, n) => n == 0 ? Reply.Broken() : Reply.Error(400, "Throttling.User");
        using OpenApiTransport transport = Create(tries: 3);
        CloudApiException e = await Assert.ThrowsAsync<CloudApiException>(() => Call(transport, "CreateNetworkInterface", KeyValuePair.Create("ClientToken", "t")));
        Assert.Equal("Throttling.User", e.Code);
        Assert.True(e.OutcomeUnknown);
    }

    [Fact]
    public async Task InvokeAsync_refused_signature_is_reported_without_what_was_signed()
    {
        const string Token = "sts/token+=";
        _server.SecurityToken = Token;
        _server.Script = (_, _) => new Reply(400,
            $$"""{"Code":"InvalidParameter","Message":"Key secret-under-test of {{Token}} or {{Uri.EscapeDataString(Token)}} is bad. server string to sign is:[POST x-acs-more-secrets]"}""");
        using OpenApiTransport transport = Create(new FixedCredentials(
            new CloudCredential(_server.AccessKeyId, _server.AccessKeySecret, "test", Token, _time.GetUtcNow().AddHours(1))));
        CloudApiException e = await Assert.ThrowsAsync<CloudApiException>(() => Call(transport, "DescribeVSwitches"));
        Assert.Contains("is bad", e.Reason, StringComparison.Ordinal);
        foreach (string secret in new[] { Token, Uri.EscapeDataString(Token), "secret-under-test", "more-secrets" })
            Assert.DoesNotContain(secret, e.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OnClockSkew_is_told_when_the_difference_becomes_large_and_when_it_ends()
    {
        List<double> told = [];
        using OpenApiTransport transport = Create(clock: skew => told.Add(Math.Round(skew.TotalMinutes)));
        await Call(transport, "DescribeVSwitches");
        _server.ClockAhead = TimeSpan.FromMinutes(-7);
        await Call(transport, "DescribeVSwitches");
        await Call(transport, "DescribeVSwitches");
        Assert.Equal(-7, transport.ClockSkew.TotalMinutes, 0.1);
        _server.ClockAhead = TimeSpan.FromMinutes(4);
        await Call(transport, "DescribeVSwitches");
        Assert.Equal([-7, 4], told);
        Assert.Empty(_server.Refusals);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-5")]
    [InlineData("soon")]
    public async Task InvokeAsync_senseless_retry_after_is_ignored(string value)
    {
        _server.Script = (_, n) => n == 0 ? Reply.Error(400, "Throttling.User") with { RetryAfter = value } : Reply.Ok();
        using OpenApiTransport transport = Create();
        await Call(transport, "DescribeVSwitches");
        Assert.Equal(2, _server.Calls.Count);
    }

    [Fact]
    public async Task InvokeAsync_retry_after_beyond_patience_is_handed_to_the_caller()
    {
        _server.Script = (_, _) => Reply.Error(400, "Throttling.User") with { RetryAfter = "600000" };
        using OpenApiTransport transport = Create();
        CloudApiException e = await Assert.ThrowsAsync<CloudApiException>(() => Call(transport, "DescribeVSwitches"));
        Assert.Equal(TimeSpan.FromMinutes(10), e.RetryAfter);
        Assert.Single(_server.Calls);
    }

    [Theory]
    [InlineData("InvalidTimeStamp.Expired", 3600)]
    [InlineData("InvalidTimeStamp.Expired", -7200)]
    [InlineData("SignatureDoesNotMatch", 3600)]
    public async Task InvokeAsync_wrong_clock_is_corrected_once_and_remembered(string code, int aheadSeconds)
    {
        _server.DateCode = code;
        _server.ClockAhead = TimeSpan.FromSeconds(aheadSeconds);
        using OpenApiTransport transport = Create();
        await Call(transport, "DescribeVSwitches");
        await Call(transport, "DescribeVSwitches");
        Assert.Single(_server.Refusals);
        Assert.Equal(2, _server.Calls.Count);
    }

    [Fact]
    public async Task InvokeAsync_refused_token_is_replaced_once()
    {
        _server.SecurityToken = "new";
        DateTimeOffset end = _time.GetUtcNow().AddHours(1);
        FixedCredentials credentials = new(
            new CloudCredential(_server.AccessKeyId, _server.AccessKeySecret, "test", "old", end),
            new CloudCredential(_server.AccessKeyId, _server.AccessKeySecret, "test", "new", end));
        using OpenApiTransport transport = Create(credentials);
        await Call(transport, "DescribeVSwitches");
        Assert.Equal(["InvalidSecurityToken.Expired"], _server.Refusals);
        Assert.Equal(1, credentials.Invalidated);
    }

    [Fact]
    public async Task InvokeAsync_token_refused_twice_is_an_error()
    {
        _server.SecurityToken = "never";
        FixedCredentials credentials = new(
            new CloudCredential(_server.AccessKeyId, _server.AccessKeySecret, "test", "a"),
            new CloudCredential(_server.AccessKeyId, _server.AccessKeySecret, "test", "b"));
        using OpenApiTransport transport = Create(credentials);
        CloudApiException e = await Assert.ThrowsAsync<CloudApiException>(() => Call(transport, "DescribeVSwitches"));
        Assert.Equal(CloudErrorCodes.SecurityTokenExpired, e.Code);
        Assert.Equal(2, _server.Refusals.Count);
    }

    [Fact]
    public async Task InvokeAsync_no_credential_sends_nothing_and_says_what_was_tried()
    {
        using OpenApiTransport transport = Create(new CredentialChain([new StaticCredentialProvider(null, null)], _time));
        CloudApiException e = await Assert.ThrowsAsync<CloudApiException>(() => Call(transport, "DescribeVSwitches"));
        Assert.Equal(CloudErrorCodes.NoCredential, e.Code);
        Assert.Contains("access_key", e.Message, StringComparison.Ordinal);
        Assert.Empty(_server.Calls);
    }

    [Fact]
    public async Task InvokeAsync_more_calls_than_the_limit_are_spread_over_time()
    {
        using OpenApiTransport transport = Create(limits: new() { ["DescribeVSwitches"] = 6 });
        DateTimeOffset start = _time.GetUtcNow();
        await _time.RunAsync(Task.WhenAll(Enumerable.Range(0, 9).Select(_ => transport.InvokeAsync("ecs", "DescribeVSwitches", [], Ct))));

        double[] seconds = [.. _server.Calls.Select(c => (c.At - start).TotalSeconds).Order()];
        Assert.Equal(9, seconds.Length);
        Assert.True(seconds[6] >= 9.9, $"The seventh call of six per minute came after {seconds[6]} s.");
        Assert.True(seconds[8] >= 29.9, $"The ninth call came after {seconds[8]} s.");
    }

    [Fact]
    public async Task InvokeAsync_queue_longer_than_the_longest_wait_fails_without_sending()
    {
        using OpenApiTransport transport = Create(limits: new() { ["DescribeVSwitches"] = 1 });
        Task<byte[]> first = transport.InvokeAsync("ecs", "DescribeVSwitches", [], Ct);
        Task<byte[]> second = transport.InvokeAsync("ecs", "DescribeVSwitches", [], Ct);
        CloudApiException e = await Assert.ThrowsAsync<CloudApiException>(() => transport.InvokeAsync("ecs", "DescribeVSwitches", [], Ct));
        Assert.Equal(CloudErrorCodes.ClientRateLimited, e.Code);
        Assert.True(e.IsThrottling);
        await _time.RunAsync(Task.WhenAll(first, second));
        Assert.Equal(2, _server.Calls.Count);
    }

    [Fact]
    public async Task InvokeAsync_cancelled_while_waiting_for_its_turn_gives_the_turn_back()
    {
        using OpenApiTransport transport = Create(limits: new() { ["DescribeVSwitches"] = 1 });
        await Call(transport, "DescribeVSwitches");
        using CancellationTokenSource cts = new();
        Task<byte[]> waiting = transport.InvokeAsync("ecs", "DescribeVSwitches", [], cts.Token);
        await cts.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        // Were the turn lost, this one would have to wait two minutes and be refused.
        await Call(transport, "DescribeVSwitches");
        Assert.Equal(2, _server.Calls.Count);
    }

    [Fact]
    public async Task InvokeAsync_cancelled_in_flight_is_a_cancellation_not_an_error()
    {
        TaskCompletionSource hold = new();
        using CancellationTokenSource cts = new();
        _server.BeforeAnswer = async () =>
        {
            await cts.CancelAsync();
            await hold.Task;
        };
        using OpenApiTransport transport = Create();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => transport.InvokeAsync("ecs", "DescribeVSwitches", [], cts.Token));
        hold.SetResult();
    }

    [Theory]
    [InlineData(200, "<html>proxy</html>", "MalformedResponse")]
    [InlineData(200, "[]", "MalformedResponse")]
    [InlineData(200, """{"a":""", "MalformedResponse")]
    [InlineData(404, "<html>proxy</html>", "Http404")]
    [InlineData(301, "", "Http301")]
    [InlineData(400, """{"Code":5}""", "Http400")]
    [InlineData(400, """{"Code":"\ud800"}""", "Http400")]
    public async Task InvokeAsync_answer_that_is_not_the_APIs_is_an_error_with_a_code(int status, string body, string code)
    {
        _server.Script = (_, _) => new Reply(status, body);
        using OpenApiTransport transport = Create();
        CloudApiException e = await Assert.ThrowsAsync<CloudApiException>(() => Call(transport, "DescribeVSwitches"));
        Assert.Equal(code, e.Code);
    }

    [Fact]
    public async Task InvokeAsync_parameter_given_twice_is_refused()
    {
        using OpenApiTransport transport = Create();
        await Assert.ThrowsAsync<ArgumentException>(() => Call(transport, "DescribeVSwitches", new("A", "1"), new("A", "2")));
        Assert.Empty(_server.Calls);
    }

    [Fact]
    public async Task InvokeAsync_every_try_is_counted_by_api_and_code()
    {
        _server.Script = (_, n) => n == 0 ? Reply.Error(400, "Throttling.User") : Reply.Ok();
        List<string> counted = [];
        string mine = "DescribeMetrics" + Guid.NewGuid().ToString("N");
        using MeterListener listener = new();
        listener.InstrumentPublished = (i, l) =>
        {
            if (i.Meter.Name == "Terway.AlibabaCloud" && i.Name == "terway.cloud.calls")
                l.EnableMeasurementEvents(i);
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            // Other tests run beside this one; the action is this test's own.
            if ((string?)tags[0].Value == mine)
                counted.Add($"{tags[1].Value}:{value}");
        });
        listener.Start();
        using OpenApiTransport transport = Create();
        await Call(transport, mine);
        Assert.Equal(["Throttling.User:1", "OK:1"], counted);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private OpenApiTransport Create(ICredentialProvider? credentials = null, int tries = 6, Dictionary<string, int>? limits = null, TimeSpan? timeout = null, Action<TimeSpan>? clock = null) => new(
        new OpenApiTransportOptions
        {
            Region = "cn-test",
            EcsEndpoint = _server.Address.AbsoluteUri,
            VpcEndpoint = _server.Address.AbsoluteUri,
            Retry = new RetryOptions { MaxAttempts = tries, Jitter = static () => Jitter },
            RateLimits = limits,
            RequestTimeout = timeout ?? Clock.NoTimeout,
            OnClockSkew = clock,
        },
        credentials ?? new StaticCredentialProvider("AKID-under-test", "secret-under-test"), time: _time);

    private Task<byte[]> Call(OpenApiTransport transport, string action, params KeyValuePair<string, string>[] parameters) =>
        _time.RunAsync(transport.InvokeAsync("ecs", action, parameters, Ct));

    private sealed class FixedCredentials(params CloudCredential[] credentials) : ICredentialProvider
    {
        private int _next;

        public string Name => "test";

        public int Invalidated => _next;

        public ValueTask<CloudCredential> GetAsync(CancellationToken ct) => ValueTask.FromResult(credentials[Math.Min(_next, credentials.Length - 1)]);

        public bool Invalidate(CloudCredential refused)
        {
            Assert.Same(credentials[_next], refused);
            _next++;
            return true;
        }
    }
}
