namespace Terway.Lab.Chaos.Points;

/// <summary>A step of the daemon and a moment in it, as the daemon names them: <c>kernel/apply-pod</c>, <c>after</c>.</summary>
internal readonly record struct CrashSpot(string Point, string Moment)
{
    /// <summary>As the daemon wants it told.</summary>
    public string First => $"{Point}#1:{Moment}";

    /// <summary>A line of the daemon's log of passed points; null for other lines.</summary>
    public static CrashSpot? Parse(string line)
    {
        var colon = line.LastIndexOf(':');
        return colon <= 0 || line.Contains(' ', StringComparison.Ordinal) ? null : new CrashSpot(line[..colon], line[(colon + 1)..]);
    }

    public override string ToString() => $"{Point}:{Moment}";
}

/// <summary>One crash to try.</summary>
internal sealed record PointCase(PointScenario Scenario, CrashSpot Spot)
{
    /// <summary>The same end of the daemon, with or without that of the power.</summary>
    public (CrashSpot Spot, bool LosesPower) Kind => (Spot, Scenario.LosesPower);

    public override string ToString() => $"{Scenario.Name} {Spot}";
}
