namespace Terway.Lab.Runtime;

/// <summary>A plugin ended an operation with an error, or did not speak the protocol.</summary>
public sealed class CniCallException(string plugin, string command, int code, string message, string? details)
    : Exception($"{plugin} {command}: code {code}: {message}{(string.IsNullOrEmpty(details) ? "" : $": {details}")}")
{
    public string Plugin { get; } = plugin;

    public string Command { get; } = command;

    /// <summary>The specification's code; 0 when what the plugin printed was no error object.</summary>
    public int Code { get; } = code;

    public string? Details { get; } = details;
}
