using Terway.Host.Plugins;
using Terway.Host.Pods;
using Terway.Host.State;

namespace Terway.Host.Observability;

/// <summary>The parts of a running daemon that are looked at. Handed over when the daemon serves.</summary>
internal sealed record ObservedNode(PluginSet Plugins, AttachmentTable Table, PodDetacher Detacher, StateStore Store, string StateFile, string CniSocket);
