using System.Net;

namespace Terway.Plugin;

/// <summary>
/// Gives addresses to pods. Exactly one provider serves a pod interface. Members may be called concurrently.
/// </summary>
/// <remarks>
/// The host journals an allocation before anything is done with it and is the only durable record of which pod holds which address;
/// a provider keeps the same in memory, filled by <see cref="RestoreAsync"/>.
/// </remarks>
public interface IAddressProvider
{
    /// <summary>Whether this provider serves the pod. Must be cheap and must not block.</summary>
    ClaimStrength Claims(PodInterface pod);

    /// <summary>
    /// Called once, before <see cref="INodeService.StartAsync"/>: what the journal knows.
    /// </summary>
    /// <param name="live">Allocations of attached pods and of those being detached. They stay in use until <see cref="Release"/>.</param>
    /// <param name="released">Addresses given back in the last hour, and when: for the cool-down.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    Task RestoreAsync(
        IReadOnlyList<Allocation> live, IReadOnlyDictionary<IPAddress, DateTimeOffset> released, CancellationToken cancellationToken);

    /// <summary>
    /// Takes one address of every active family, all from one ENI. Completes synchronously when a free address is at hand.
    /// The provider holds the allocation from the moment it returns until <see cref="Release"/>.
    /// </summary>
    /// <exception cref="PodNetworkException">No address can be had now; the message says why and what happens next.</exception>
    /// <exception cref="OperationCanceledException">Nothing is held then.</exception>
    ValueTask<Allocation> AllocateAsync(PodInterface pod, CancellationToken cancellationToken);

    /// <summary>
    /// Takes an allocation back. Called after the kernel no longer carries it and after the journal forgot it. Unknown allocations are ignored.
    /// </summary>
    /// <param name="allocation">What <see cref="AllocateAsync"/> gave, possibly in an earlier life of the process.</param>
    /// <param name="used">False when no pod ever sent from it, so that no cool-down is needed.</param>
    void Release(Allocation allocation, bool used);

    /// <summary>What the node can carry and carries now. Answers from memory.</summary>
    Capacity GetCapacity();
}
