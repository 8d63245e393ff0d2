namespace Terway.Lab.Chaos.Points;

/// <summary>A piece of a node's life, in which the daemon is to end at every step.</summary>
internal sealed record PointScenario
{
    public required string Name { get; init; }

    /// <summary>Begins on a node that never had a daemon.</summary>
    public bool Fresh { get; init; }

    /// <summary>Where the daemon ends a first time, so that the life after that is the piece to look at; null for no such end.</summary>
    public string? FirstEnd { get; init; }

    /// <summary>Where the daemon ends, the node loses power: its disk has only what was synced, and it boots.</summary>
    public bool LosesPower { get; init; }

    /// <summary>What comes before, without crashes.</summary>
    public Func<PointNode, CancellationToken, Task> Prepare { get; init; } = static (_, _) => Task.CompletedTask;

    /// <summary>The piece itself. Returns when all that it set off is done.</summary>
    public required Func<PointNode, CancellationToken, Task> Act { get; init; }
}
