using Terway.Cni.Wire;

namespace Terway.Host.Cni;

/// <summary>Answers while there is no journal: nothing can be written down, so nothing is done, and every caller hears why and comes again.</summary>
internal sealed class ClosedNode(NodeReadiness readiness) : ICniCalls
{
    public Task<CniResponse> HandleAsync(CniRequest request, CancellationToken cancellationToken)
    {
        var reason = readiness.NotReady() ?? "the daemon is starting";
        return Task.FromResult(request.Verb == CniVerb.Status
            ? CniResponse.Failure(CniErrorCode.PluginNotAvailable, reason)
            : CniResponse.Failure(CniErrorCode.TryAgainLater, $"this node takes no {request.Verb} now: {reason}"));
    }
}
