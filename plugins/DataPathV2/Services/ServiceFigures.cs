using Terway.Linux.Bpf;

namespace Terway.Plugins.DataPathV2.Services;

/// <summary>How much of the maps is in use.</summary>
/// <param name="Services">Services that are balanced.</param>
/// <param name="Maps">Name, entries in use, and entries that fit.</param>
/// <param name="Outcomes">What the hooks count.</param>
internal sealed record ServiceFigures(int Services, IReadOnlyList<(string Name, long Used, long Size)> Maps, BpfMap Outcomes);
