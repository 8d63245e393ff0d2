namespace Terway.EniPool.Configuration;

/// <summary>Which of several vSwitches a new ENI goes to.</summary>
internal enum VSwitchPolicy
{
    Random,
    Ordered,

    /// <summary>The one with the most free addresses.</summary>
    Most,
}
