namespace Terway.Cli.Doctor;

/// <summary>How a check came out.</summary>
internal enum CheckResult
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>Works, but somebody should look; or it cannot be told.</summary>
    Warn,

    /// <summary>Pods have no network, or will not get one.</summary>
    Fail,
}

/// <summary>One thing that was looked at.</summary>
/// <param name="Name">What.</param>
/// <param name="Result">How it is.</param>
/// <param name="Reason">What was seen.</param>
/// <param name="Fix">What to do; empty when all is well.</param>
internal sealed record Check(string Name, CheckResult Result, string Reason, string Fix)
{
    public static Check Ok(string name, string reason) => new(name, CheckResult.Ok, reason, "");

    public static Check Warn(string name, string reason, string fix) => new(name, CheckResult.Warn, reason, fix);

    public static Check Fail(string name, string reason, string fix) => new(name, CheckResult.Fail, reason, fix);
}

/// <summary>All checks of a node.</summary>
internal sealed record DoctorReport(bool Healthy, IReadOnlyList<Check> Checks)
{
    public static DoctorReport Of(IEnumerable<Check> checks)
    {
        Check[] all = [.. checks];
        return new DoctorReport(!all.Any(static c => c.Result == CheckResult.Fail), all);
    }
}
