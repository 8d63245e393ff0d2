namespace Terway.Cli;

/// <summary>A command cannot do its work; the message names the place, the reason and the way out.</summary>
internal sealed class CannotTellException(string message) : Exception(message);
