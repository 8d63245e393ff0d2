namespace Terway.Host.Plugins;

/// <summary>A part that plays a role, and the plugin it belongs to.</summary>
/// <param name="Plugin">The plugin.</param>
/// <param name="Role">The part.</param>
internal sealed record PluginRole<T>(LoadedPlugin Plugin, T Role);
