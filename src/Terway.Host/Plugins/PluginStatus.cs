namespace Terway.Host.Plugins;

/// <summary>What an operator sees of one plugin version. A value, taken at one moment.</summary>
/// <param name="Name">The plugin.</param>
/// <param name="Version">Its version as written; empty when it has none.</param>
/// <param name="State">Its state.</param>
/// <param name="Reason">Why it is in that state, with the way out; empty when all is well.</param>
/// <param name="Why">Why this version was chosen; empty when it was not.</param>
/// <param name="Required">Whether the node serves no pods without it.</param>
/// <param name="Roles">Names of its roles.</param>
/// <param name="Since">When it came into that state.</param>
internal sealed record PluginStatus(
    string Name, string Version, PluginState State, string Reason, string Why, bool Required, IReadOnlyList<string> Roles, DateTimeOffset Since);
