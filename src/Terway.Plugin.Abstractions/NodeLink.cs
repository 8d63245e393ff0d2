namespace Terway.Plugin;

/// <summary>A network link of the node.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Index">Its index in the node's network namespace.</param>
/// <param name="Mac">Its MAC address, lower case with colons.</param>
/// <param name="Mtu">Its MTU in bytes.</param>
public sealed record NodeLink(string Name, int Index, string Mac, int Mtu);
