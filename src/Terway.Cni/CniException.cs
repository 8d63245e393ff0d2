namespace Terway.Cni;

/// <summary>Ends the call with the specification's error object and exit code 1.</summary>
internal sealed class CniException(int code, string message, string? details = null) : Exception(message)
{
    public int Code { get; } = code;

    public string? Details { get; } = details;
}
