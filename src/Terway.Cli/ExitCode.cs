namespace Terway.Cli;

/// <summary>What a command's exit code says; the same for all of them.</summary>
internal static class ExitCode
{
    /// <summary>All is as it should be.</summary>
    public const int Ok = 0;

    /// <summary>The command did its work, and found something wrong.</summary>
    public const int Wrong = 1;

    /// <summary>The command could not do its work: wrong usage, an unreadable file, no daemon.</summary>
    public const int CannotTell = 2;

    /// <summary>For --help.</summary>
    public const string Text = "Exit codes of all commands: 0 all is well, 1 something is wrong, 2 it cannot be told (wrong usage, unreadable file, no daemon).";
}
