using System.Composition;

namespace Good;

/// <summary>A part of the plugin's own, imported by another.</summary>
[Shared]
[Export]
public sealed class Steps
{
    public List<string> Done { get; } = [];
}
