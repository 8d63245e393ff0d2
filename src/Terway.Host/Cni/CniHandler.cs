using Microsoft.Extensions.Logging;
using Terway.Cni.Wire;
using Terway.Host.Observability;
using Terway.Host.Pods;
using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host.Cni;

/// <summary>Turns one CNI call into work on pods, and whatever comes of it into the specification's answer.</summary>
internal sealed partial class CniHandler(PodNetwork network, NodeReadiness readiness, TimeProvider time, ILogger<CniHandler> log) : ICniCalls
{
    /// <summary>An ADD that took longer than this is told to the operator with the time of each stage.</summary>
    private const double SlowAddMs = 1000;

    public async Task<CniResponse> HandleAsync(CniRequest request, CancellationToken cancellationToken)
    {
        try
        {
            if (request.Protocol > CniRequest.CurrentProtocol)
            {
                throw new CniException(
                    CniErrorCode.Protocol,
                    $"the entrypoint speaks protocol {request.Protocol}, this daemon {CniRequest.CurrentProtocol}: upgrade the daemon first");
            }

            if (request.Verb is CniVerb.Add or CniVerb.Del or CniVerb.Check && (string.IsNullOrEmpty(request.ContainerId) || string.IsNullOrEmpty(request.IfName)))
            {
                throw new CniException(CniErrorCode.InvalidEnvironmentVariables, $"{request.Verb} without CNI_CONTAINERID or CNI_IFNAME");
            }

            return request.Verb switch
            {
                CniVerb.Add => await AddAsync(request, cancellationToken).ConfigureAwait(false),
                CniVerb.Del => await DelAsync(request, cancellationToken).ConfigureAwait(false),
                CniVerb.Check => await CheckAsync(request, cancellationToken).ConfigureAwait(false),
                CniVerb.Status => Status(),
                CniVerb.Gc => await GcAsync(request, cancellationToken).ConfigureAwait(false),
                _ => throw new CniException(CniErrorCode.InvalidEnvironmentVariables, $"CNI_COMMAND {request.Verb} is not known to this daemon"),
            };
        }
        catch (CniException e)
        {
            LogFailed(log, request.Verb, request.ContainerId, request.IfName, e.Code, e.Message);
            return CniResponse.Failure(e.Code, e.Message, e.Details);
        }
        catch (PodNetworkException e)
        {
            var code = e.CanRetry ? CniErrorCode.TryAgainLater : CniErrorCode.Internal;
            LogFailed(log, request.Verb, request.ContainerId, request.IfName, code, e.Message);
            return CniResponse.Failure(code, e.Message, e.InnerException?.Message);
        }
        catch (StateException e)
        {
            LogFailed(log, request.Verb, request.ContainerId, request.IfName, CniErrorCode.IoFailure, e.Message);
            return CniResponse.Failure(CniErrorCode.TryAgainLater, e.Message);
        }
        catch (OperationCanceledException)
        {
            return CniResponse.Failure(
                CniErrorCode.TryAgainLater, $"{request.Verb} of {request.ContainerId}/{request.IfName} was ended before it was done, and undone",
                "the caller hung up, its deadline passed, a DEL overtook it, or the daemon is stopping");
        }
#pragma warning disable CA1031 // the boundary to the runtime: a defect in one call must not cost the others
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogUnexpected(log, e, request.Verb, request.ContainerId, request.IfName);
            return CniResponse.Failure(CniErrorCode.Internal, $"{request.Verb} failed unexpectedly: {e.Message}", "see the daemon's log");
        }
    }

    private async Task<CniResponse> AddAsync(CniRequest request, CancellationToken cancellationToken)
    {
        var times = new AddTimes();
        var conf = CniNetConf.Parse(request.Config);
        if (readiness.RefusesAdd() is { } reason)
        {
            throw new CniException(CniErrorCode.TryAgainLater, $"this node takes no new pods now: {reason}");
        }

        var record = await network.AddAsync(request, conf, StartOf(request), times, cancellationToken).ConfigureAwait(false);
        CniMetrics.Added(times);
        LogAdded(log, request.ContainerId, request.IfName, record, times);
        return CniResponse.Success(CniResult.Write(conf.Version, record.Attachment, network.Families, conf.PrevResult));
    }

    private async Task<CniResponse> DelAsync(CniRequest request, CancellationToken cancellationToken)
    {
        await network.DeleteAsync(new AttachmentKey(request.ContainerId, request.IfName), cancellationToken).ConfigureAwait(false);
        return CniResponse.Success();
    }

    private async Task<CniResponse> CheckAsync(CniRequest request, CancellationToken cancellationToken)
    {
        await network.CheckAsync(request, cancellationToken).ConfigureAwait(false);
        return CniResponse.Success();
    }

    private CniResponse Status() => readiness.NotReady() is { } reason
        ? CniResponse.Failure(CniErrorCode.PluginNotAvailable, reason, "terway-cli status says more")
        : CniResponse.Success();

    private async Task<CniResponse> GcAsync(CniRequest request, CancellationToken cancellationToken)
    {
        await network.CollectGarbageAsync(GcAttachments.Parse(request.Config), StartOf(request), cancellationToken).ConfigureAwait(false);
        return CniResponse.Success();
    }

    private DateTimeOffset StartOf(CniRequest request) => request.StartedAtMs is > 0 and < 253_402_300_800_000
        ? DateTimeOffset.FromUnixTimeMilliseconds(request.StartedAtMs) : time.GetUtcNow();

    private static void LogAdded(ILogger log, string containerId, string ifName, AttachmentRecord record, AddTimes times)
    {
        var addresses = string.Join(',', record.Attachment.Allocation.Addresses.Select(static a => a.Address));
        var pod = record.Attachment.Pod;
        if (times.Total >= SlowAddMs)
        {
            LogSlow(log, containerId, ifName, pod.Namespace, pod.Name, addresses, times.Total, times);
        }
        else
        {
            LogAdd(log, containerId, ifName, pod.Namespace, pod.Name, addresses, times.Total, times);
        }
    }

    [LoggerMessage(EventId = 4010, Level = LogLevel.Information, Message = "ADD {ContainerId}/{IfName} ({Namespace}/{Name}): {Addresses} in {Milliseconds:F1} ms: {Times}")]
    private static partial void LogAdd(
        ILogger log, string containerId, string ifName, string @namespace, string name, string addresses, double milliseconds, AddTimes times);

    [LoggerMessage(EventId = 4011, Level = LogLevel.Warning, Message = "Slow ADD {ContainerId}/{IfName} ({Namespace}/{Name}): {Addresses} in {Milliseconds:F1} ms: {Times}")]
    private static partial void LogSlow(
        ILogger log, string containerId, string ifName, string @namespace, string name, string addresses, double milliseconds, AddTimes times);

    [LoggerMessage(EventId = 4012, Level = LogLevel.Warning, Message = "{Verb} {ContainerId}/{IfName} failed with code {Code}: {Reason}")]
    private static partial void LogFailed(ILogger log, string verb, string containerId, string ifName, int code, string reason);

    [LoggerMessage(EventId = 4013, Level = LogLevel.Error, Message = "{Verb} {ContainerId}/{IfName} failed unexpectedly")]
    private static partial void LogUnexpected(ILogger log, Exception e, string verb, string containerId, string ifName);
}
