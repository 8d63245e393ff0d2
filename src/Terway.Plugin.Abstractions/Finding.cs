namespace Terway.Plugin;

/// <summary>Something an operator should know: what, why, and the way out.</summary>
/// <param name="Severity">How bad it is.</param>
/// <param name="Reason">What is wrong and why, in one sentence.</param>
/// <param name="Fix">What to do about it, or what happens by itself.</param>
public sealed record Finding(FindingSeverity Severity, string Reason, string Fix);

/// <summary>How bad a <see cref="Finding"/> is.</summary>
public enum FindingSeverity
{
    /// <summary>Worth knowing.</summary>
    Info = 0,

    /// <summary>Works, but not as it should.</summary>
    Warning = 1,

    /// <summary>New pods cannot be served.</summary>
    Error = 2,
}
