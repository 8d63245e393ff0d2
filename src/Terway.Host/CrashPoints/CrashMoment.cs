namespace Terway.Host.CrashPoints;

/// <summary>Where in a step the process ends.</summary>
internal enum CrashMoment
{
    /// <summary>Nothing of the step is done.</summary>
    Before,

    /// <summary>Some of the step's parts are done: of a plan of kernel objects the first half.</summary>
    Half,

    /// <summary>All of it is done, and nobody was told.</summary>
    After,
}
