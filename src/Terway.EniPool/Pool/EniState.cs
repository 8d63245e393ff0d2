namespace Terway.EniPool.Pool;

internal enum EniState
{
    /// <summary>Recorded as attached by an earlier life: only its link and its node objects are to be made sure of.</summary>
    Starting,

    /// <summary>Created or found, on its way to <see cref="Ready"/>.</summary>
    Attaching,

    /// <summary>Gives addresses to pods.</summary>
    Ready,

    /// <summary>On its way out.</summary>
    Deleting,

    /// <summary>The cloud says that it is gone or another instance's; kept while pods hold its addresses.</summary>
    Lost,
}
