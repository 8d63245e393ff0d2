using System.Text;
using Terway.Cni.Wire;

namespace Terway.Cni;

/// <summary>One CNI call from validation to exit code.</summary>
internal sealed class Entrypoint
{
    /// <summary>STATUS comes every few seconds and is answered from memory: an answer that takes longer is a daemon in trouble.</summary>
    private const int StatusLimitMs = 5_000;

    private const int MaxResends = 3;
    private const int FirstPauseMs = 25;
    private const int LongestPauseMs = 500;

    private string _cniVersion = SpecVersion.Newest;

    public static int Main()
    {
        var entrypoint = new Entrypoint();
        try
        {
            entrypoint.Run();
            return 0;
        }
        catch (CniException e)
        {
            return entrypoint.Fail(e.Code, e.Message, e.Details);
        }
#pragma warning disable CA1031 // the boundary: whatever went wrong must reach the runtime as an error object
        catch (Exception e)
#pragma warning restore CA1031
        {
            return entrypoint.Fail(CniErrorCode.Internal, $"defect in the CNI entrypoint: {e.GetType().Name}: {e.Message}", e.StackTrace);
        }
    }

    private int Fail(int code, string message, string? details)
    {
        StandardStreams.WriteOutput(Output.Error(_cniVersion, code, message, details).Span);
        return 1;
    }

    private void Run()
    {
        var stdinOpen = StandardStreams.Secure();
        var environment = CniEnvironment.Read(Environment.GetEnvironmentVariable);
        if (environment.Verb == CniVerb.Version)
        {
            PrintVersions(stdinOpen);
            return;
        }

        if (!stdinOpen)
            throw new CniException(CniErrorCode.IoFailure, "stdin is closed: the network configuration is read from there");
        if (StandardStreams.IsTerminal)
            throw new CniException(CniErrorCode.IoFailure, "stdin is a terminal: the container runtime writes the network configuration there");
        var config = NetworkConfig.Parse(StandardStreams.ReadInput());
        if (SpecVersion.IsSupported(config.CniVersion))
            _cniVersion = config.CniVersion;
        config.Validate(environment.Verb);

        switch (environment.Verb)
        {
            case CniVerb.Add or CniVerb.Check: Finish(environment, AskPatiently(environment, config)); break;
            case CniVerb.Del: Delete(environment, config); break;
            case CniVerb.Status: Status(environment, config); break;
            default: Finish(environment, Answer(AskOnce(environment, config, Deadline(config)), config)); break;
        }
    }

    /// <summary>VERSION asks about the plugin, not about a network: a configuration is looked at for its version only.</summary>
    private void PrintVersions(bool stdinOpen)
    {
        if (stdinOpen && !StandardStreams.IsTerminal)
        {
            var input = StandardStreams.ReadInput();
            if (!input.Span.Trim(" \t\r\n"u8).IsEmpty && NetworkConfig.Parse(input).CniVersion is var asked && SpecVersion.IsSupported(asked))
                _cniVersion = asked;
        }

        Print(Output.Versions(_cniVersion).Span);
    }

    /// <summary>
    /// Waits for a daemon that is being restarted, and asks again when it dies over the request: the daemon recognises the pod interface,
    /// so a repeated ADD continues or repeats what the first one did.
    /// </summary>
    private static CniResponse AskPatiently(CniEnvironment environment, NetworkConfig config)
    {
        var deadline = Deadline(config);
        var waitUntil = Patience(config, deadline);
        var pause = FirstPauseMs;
        var resends = 0;
        while (true)
        {
            var exchange = AskOnce(environment, config, deadline);
            if (exchange.Status == ExchangeStatus.Died && resends++ < MaxResends)
            {
                waitUntil = Patience(config, deadline);
                pause = FirstPauseMs;
            }
            else if (exchange.Status != ExchangeStatus.Absent || Environment.TickCount64 + pause > waitUntil)
            {
                return Answer(exchange, config);
            }

            Thread.Sleep(pause);
            pause = Math.Min(pause * 2, LongestPauseMs);
        }
    }

    private static void Delete(CniEnvironment environment, NetworkConfig config)
    {
        var deadline = Deadline(config);
        var exchange = AskOnce(environment, config, deadline);
        if (exchange.Status is not (ExchangeStatus.Absent or ExchangeStatus.Died))
        {
            Finish(environment, Answer(exchange, config));
            return;
        }

        var spooled = DelSpool.Store(
            config.SpoolDir, environment.ContainerId, environment.IfName, RequestBody.Write(environment, config, deadlineMs: 0).Span);

        // A daemon that started in between may have drained the folder before the file was there.
        exchange = AskOnce(environment, config, deadline);
        if (exchange.Status != ExchangeStatus.Answered)
            return;
        Finish(environment, exchange.Response!);
        DelSpool.Remove(spooled);
    }

    private static void Status(CniEnvironment environment, NetworkConfig config)
    {
        var exchange = AskOnce(environment, config, Math.Min(Deadline(config), Environment.TickCount64 + StatusLimitMs));
        if (exchange.Status != ExchangeStatus.Answered)
        {
            throw new CniException(
                CniErrorCode.PluginNotAvailable, "the Terway daemon of this node is not available: " + Explain(exchange.Status, config), Advice);
        }

        Finish(environment, exchange.Response!);
    }

    private static Exchange AskOnce(CniEnvironment environment, NetworkConfig config, long deadline) =>
        DaemonConnection.Send(config.DaemonSocket, left => RequestBody.Write(environment, config, left), deadline);

    private static CniResponse Answer(Exchange exchange, NetworkConfig config) =>
        exchange.Response ?? throw new CniException(
            CniErrorCode.TryAgainLater, "the Terway daemon of this node gave no answer: " + Explain(exchange.Status, config), Advice);

    private static void Finish(CniEnvironment environment, CniResponse response)
    {
        if (!response.Ok)
        {
            throw new CniException(
                response.ErrorCode > 0 ? response.ErrorCode : CniErrorCode.Internal,
                string.IsNullOrEmpty(response.ErrorMessage) ? $"the daemon refused the {environment.Verb} without a reason" : response.ErrorMessage,
                response.ErrorDetails);
        }

        if (!string.IsNullOrEmpty(response.Stdout))
            Print(Encoding.UTF8.GetBytes(response.Stdout));
        else if (environment.Verb == CniVerb.Add)
            throw new CniException(CniErrorCode.Protocol, "the daemon reported a successful ADD without a result");
    }

    private static void Print(ReadOnlySpan<byte> text)
    {
        if (!StandardStreams.WriteOutput(text))
            throw new CniException(CniErrorCode.IoFailure, "the result cannot be written to stdout");
    }

    private static long Deadline(NetworkConfig config) => Environment.TickCount64 + (long)config.Deadline.TotalMilliseconds;

    private static long Patience(NetworkConfig config, long deadline) =>
        Math.Min(deadline, Environment.TickCount64 + (long)config.DaemonWait.TotalMilliseconds);

    private const string Advice =
        "look at the Terway pod of this node (kubectl -n kube-system get pods -o wide) and at its log, or run terway-cli doctor on the node";

    private static string Explain(ExchangeStatus status, NetworkConfig config) => status switch
    {
        ExchangeStatus.Absent => $"nobody listens on {config.DaemonSocket}",
        ExchangeStatus.Died => $"it closed the connection on {config.DaemonSocket} before it had answered",
        ExchangeStatus.Busy => $"its queue of calls on {config.DaemonSocket} stayed full",
        _ => $"it took the call on {config.DaemonSocket} and did not answer in time",
    };
}
