namespace Terway.Host.State;

/// <summary>The state file cannot be read or written. Nothing that was to be journaled may be done.</summary>
public sealed class StateException : Exception
{
    /// <summary>Creates the exception.</summary>
    public StateException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}
