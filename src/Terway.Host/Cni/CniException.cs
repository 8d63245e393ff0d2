namespace Terway.Host.Cni;

/// <summary>A CNI call that fails with a code of the specification, section "Error".</summary>
internal sealed class CniException : Exception
{
    public CniException(int code, string message, string? details = null, Exception? inner = null) : base(message, inner)
    {
        Code = code;
        Details = details;
    }

    /// <summary>The specification's code, or one of our own from 100 up.</summary>
    public int Code { get; }

    /// <summary>Longer text.</summary>
    public string? Details { get; }
}
