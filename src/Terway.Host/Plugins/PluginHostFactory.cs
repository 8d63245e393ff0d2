using Terway.Configuration.Plugins.Resolution;
using Terway.Plugin;

namespace Terway.Host.Plugins;

/// <summary>Makes what one plugin imports. Called once per plugin right before its parts are composed, never for two plugins at a time.</summary>
/// <param name="plugin">The plugin, with the settings of the pool's entry.</param>
/// <param name="families">
/// Address families of plugins composed before. Complete for every plugin except those that export families themselves, and what these require.
/// </param>
internal delegate IPluginHost PluginHostFactory(ResolvedPlugin plugin, IReadOnlyList<IAddressFamily> families);
