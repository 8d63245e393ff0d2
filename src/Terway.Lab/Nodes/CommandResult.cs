namespace Terway.Lab.Nodes;

/// <summary>How a program ended.</summary>
/// <param name="Elapsed">from exec to exit, nsenter included</param>
public sealed record CommandResult(string Program, int ExitCode, string Output, string Error, TimeSpan Elapsed)
{
    /// <exception cref="InvalidOperationException">The exit code is not 0; the message has what the program said.</exception>
    public void ThrowIfFailed(string purpose)
    {
        if (ExitCode != 0)
            throw new InvalidOperationException($"{purpose}: {Program} ended with {ExitCode}: {(Error + Output).Trim()}");
    }
}
