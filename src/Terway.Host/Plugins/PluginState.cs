namespace Terway.Host.Plugins;

/// <summary>Where a plugin is in its life.</summary>
internal enum PluginState
{
    /// <summary>Lies in the plugin folder.</summary>
    Discovered,

    /// <summary>Refused before any of its code ran.</summary>
    Rejected,

    /// <summary>Its parts exist.</summary>
    Loaded,

    /// <summary>Its services run.</summary>
    Started,

    /// <summary>Runs, and says that something is wrong.</summary>
    Degraded,

    /// <summary>Its code failed or hung; its roles are not used.</summary>
    Faulted,

    /// <summary>Ended in order.</summary>
    Stopped,
}
