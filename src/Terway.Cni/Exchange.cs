using Terway.Cni.Wire;

namespace Terway.Cni;

/// <summary>How one attempt to put a request to the daemon ended.</summary>
internal enum ExchangeStatus
{
    /// <summary>A response came.</summary>
    Answered,

    /// <summary>Nobody listens: no socket file, or a left-over one.</summary>
    Absent,

    /// <summary>The connection ended before the response was complete: the daemon died, or was stopped.</summary>
    Died,

    /// <summary>Connected, and no response in time.</summary>
    TimedOut,

    /// <summary>Listening, but its queue of connections stayed full for the whole time.</summary>
    Busy,
}

/// <summary>Result of one attempt; <see cref="Response"/> is there when the status is Answered.</summary>
internal readonly record struct Exchange(ExchangeStatus Status, CniResponse? Response = null);
