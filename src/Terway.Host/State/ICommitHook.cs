namespace Terway.Host.State;

/// <summary>Sees every commit of the state file. Called on the committing thread, one commit at a time.</summary>
internal interface ICommitHook
{
    /// <summary>The changes are about to be committed.</summary>
    void Before(IReadOnlyList<StateWrite> changes);

    /// <summary>The changes are committed, and nobody was told yet.</summary>
    void After(IReadOnlyList<StateWrite> changes);
}
