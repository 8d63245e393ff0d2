namespace Terway.Host.State;

/// <summary>The state file cannot be read or written. Nothing that was to be journaled may be done.</summary>
public sealed class StateException : Exception
{
    /// <summary>Creates the exception.</summary>
    public StateException(string message, Exception? inner = null) : base(message, inner)
    {
    }

    /// <summary>True when the file's content cannot be trusted, so that it is to be set aside; false when the content may be good but is out of reach.</summary>
    internal bool Damaged { get; init; }

    /// <summary>True when the disk is to blame, so that the file may be as good as before once somebody has seen to it.</summary>
    internal bool Disk { get; init; }
}
