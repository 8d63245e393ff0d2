using Terway.Plugin;

namespace Terway.Host.Kernel;

/// <summary>An object that does not exist as its plan says.</summary>
/// <param name="Object">The object.</param>
/// <param name="Text">Its name in the words of <c>ip</c>, such as <c>rule 512 to 10.0.0.5/32 lookup main</c>.</param>
internal readonly record struct MissingObject(KernelObject Object, string Text);
