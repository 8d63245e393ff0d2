namespace Terway.Plugin;

/// <summary>Why a pod does not get its network. The message reaches the runtime, the pod's event and the log as it is.</summary>
public sealed class PodNetworkException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="stage">Where it happened: <c>pool</c>, <c>cloud</c>, <c>kernel</c>, <c>policy</c>, ...</param>
    /// <param name="reason">What failed, on which object, and why.</param>
    /// <param name="next">What happens by itself or what the operator does.</param>
    /// <param name="canRetry">Whether the same request may succeed later (CNI error code 11).</param>
    /// <param name="inner">The cause.</param>
    public PodNetworkException(string stage, string reason, string next, bool canRetry, Exception? inner = null)
        : base($"{stage}: {reason}; {next}", inner)
    {
        Stage = stage;
        CanRetry = canRetry;
    }

    /// <summary>Where it happened.</summary>
    public string Stage { get; }

    /// <summary>Whether the same request may succeed later.</summary>
    public bool CanRetry { get; }
}
