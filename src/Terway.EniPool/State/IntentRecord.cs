namespace Terway.EniPool.State;

/// <summary>A change of the cloud that was about to be made: written before, dropped with the record that shows its outcome.</summary>
internal sealed record IntentRecord
{
    public const string Create = "create";
    public const string Assign = "assign";

    /// <summary>ClientToken of the call; of a created ENI also its tag.</summary>
    public required string Token { get; init; }

    public required string Kind { get; init; }

    public required DateTimeOffset At { get; init; }

    public string? Eni { get; init; }

    public string? VSwitch { get; init; }

    public int Count { get; init; }
}
