using Microsoft.Extensions.Time.Testing;
using Terway.AlibabaCloud.Credentials;
using Terway.AlibabaCloud.Errors;
using Terway.AlibabaCloud.Tests.Servers;
using Terway.AlibabaCloud.Transport;

namespace Terway.AlibabaCloud.Tests.Transport;

public sealed class EndpointCircuitTests : IAsyncDisposable
{
    private static readonly CloudApiException s_refused = new("ecs", "AttachNetworkInterface", CloudErrorCodes.TransportError, "Connection refused.");

    private readonly FakeTimeProvider _time = Clock.Create();
    private readonly EndpointCircuit _circuit;
    private readonly OpenApiServer _server;

    public EndpointCircuitTests()
    {
        _circuit = new EndpointCircuit("ecs.test", _time);
        _server = new OpenApiServer(_time);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public void One_failure_less_than_the_threshold_or_an_answer_between_keeps_it_closed()
    {
        for (int round = 0; round < 3; round++)
        {
            for (int i = 1; i < EndpointCircuit.Threshold; i++)
                Assert.Equal(EndpointCircuit.Change.None, _circuit.Failed(Enter(), s_refused));
            Assert.Equal(EndpointCircuit.Change.None, _circuit.Answered(Enter()));
        }
    }

    [Fact]
    public void Open_it_lets_one_probe_through_after_each_pause_and_pauses_grow_to_the_longest()
    {
        Open();
        double[] pauses = [1, 2, 4, 8, 10, 10];
        foreach (double pause in pauses)
        {
            _time.Advance(TimeSpan.FromSeconds(pause) - TimeSpan.FromMilliseconds(1));
            Assert.Throws<CloudApiException>(() => Enter());
            _time.Advance(TimeSpan.FromMilliseconds(1));
            EndpointCircuit.Pass probe = Enter();
            CloudApiException other = Assert.Throws<CloudApiException>(() => Enter());
            Assert.Contains("one call is trying it now", other.Reason, StringComparison.Ordinal);
            Assert.Equal(EndpointCircuit.Change.None, _circuit.Failed(probe, s_refused));
        }
    }

    [Fact]
    public void Refused_call_names_host_cause_and_what_happens_next_and_was_certainly_not_carried_out()
    {
        Open();
        CloudApiException e = Assert.Throws<CloudApiException>(() => Enter());
        Assert.Equal(CloudErrorCodes.TransportError, e.Code);
        Assert.Equal("CreateNetworkInterface", e.Action);
        foreach (string part in new[] { "ecs.test", "not sent", "tried again in 1 s", "AttachNetworkInterface: Connection refused" })
            Assert.Contains(part, e.Message, StringComparison.Ordinal);
        Assert.False(e.OutcomeUnknown);
        Assert.True(e.IsRetryable);
    }

    [Fact]
    public void Probe_that_is_answered_closes_it()
    {
        Open();
        _time.Advance(EndpointCircuit.FirstPause);
        Assert.Equal(EndpointCircuit.Change.Closed, _circuit.Answered(Enter()));
        Enter();
        Enter();
        Assert.Null(_circuit.Refusal("ecs", "X"));
    }

    [Fact]
    public void Probe_whose_caller_gave_up_leaves_the_next_one_its_place()
    {
        Open();
        _time.Advance(EndpointCircuit.FirstPause);
        _circuit.Abandoned(Enter());
        Enter();
    }

    [Fact]
    public void Late_failures_of_calls_from_before_do_not_stretch_the_pause()
    {
        EndpointCircuit.Pass late = Enter();
        Open();
        _circuit.Failed(late, s_refused);
        _time.Advance(EndpointCircuit.FirstPause);
        Enter();
    }

    [Fact]
    public async Task Transport_sends_few_calls_to_a_dead_endpoint_and_recovers_by_itself()
    {
        bool down = true;
        _server.Script = (_, _) => down ? Reply.Broken() : Reply.Ok();
        using OpenApiTransport transport = new(
            new OpenApiTransportOptions { Region = "cn-test", EcsEndpoint = _server.Address.AbsoluteUri, VpcEndpoint = _server.Address.AbsoluteUri, RequestTimeout = Clock.NoTimeout },
            new StaticCredentialProvider("AKID-under-test", "secret-under-test"), time: _time);

        DateTimeOffset start = _time.GetUtcNow();
        for (int i = 0; i < 600; i++)
        {
            Task<byte[]> call = transport.InvokeAsync("ecs", "DescribeNetworkInterfaces", [], Ct);
            CloudApiException e = await Assert.ThrowsAsync<CloudApiException>(() => _time.RunAsync(call));
            Assert.Equal(CloudErrorCodes.TransportError, e.Code);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        // A probe every ten seconds, and the retries of the first call.
        double seconds = (_time.GetUtcNow() - start).TotalSeconds;
        Assert.InRange(_server.Calls.Count, 20, (seconds / 10) + 20);

        down = false;
        _time.Advance(EndpointCircuit.LongestPause);
        await _time.RunAsync(transport.InvokeAsync("ecs", "DescribeNetworkInterfaces", [], Ct));
        await _time.RunAsync(transport.InvokeAsync("ecs", "DescribeNetworkInterfaces", [], Ct));
    }

    [Fact]
    public async Task Transport_call_whose_answer_was_lost_and_whose_retry_was_not_sent_has_an_unknown_outcome()
    {
        _server.Script = (_, _) => Reply.Broken();
        using OpenApiTransport transport = new(
            new OpenApiTransportOptions
            {
                Region = "cn-test",
                EcsEndpoint = _server.Address.AbsoluteUri,
                VpcEndpoint = _server.Address.AbsoluteUri,
                RequestTimeout = Clock.NoTimeout,
                Retry = new RetryOptions { MaxAttempts = 20, Jitter = static () => 0 },
            },
            new StaticCredentialProvider("AKID-under-test", "secret-under-test"), time: _time);
        CloudApiException e = await Assert.ThrowsAsync<CloudApiException>(
            () => transport.InvokeAsync("ecs", "CreateNetworkInterface", [new("ClientToken", "t")], Ct));
        Assert.Equal(EndpointCircuit.Threshold, _server.Calls.Count);
        Assert.Contains("not sent", e.Message, StringComparison.Ordinal);
        Assert.True(e.OutcomeUnknown);
    }

    private EndpointCircuit.Pass Enter() => _circuit.Enter("ecs", "CreateNetworkInterface");

    private void Open()
    {
        for (int i = 1; i < EndpointCircuit.Threshold; i++)
            _circuit.Failed(Enter(), s_refused);
        Assert.Equal(EndpointCircuit.Change.Opened, _circuit.Failed(Enter(), s_refused));
    }
}
