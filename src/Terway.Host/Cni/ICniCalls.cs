using Terway.Cni.Wire;

namespace Terway.Host.Cni;

/// <summary>Answers CNI calls. Thread-safe.</summary>
internal interface ICniCalls
{
    /// <summary>The answer, also to what cannot be done; throws nothing.</summary>
    Task<CniResponse> HandleAsync(CniRequest request, CancellationToken cancellationToken);
}
