using System.Net;

namespace Terway.Configuration.Validation;

/// <summary>A network that addresses of the cluster are taken from.</summary>
/// <param name="Name">What it is, for messages: <c>node range</c>, <c>vSwitch vsw-1</c>.</param>
/// <param name="Network">The network.</param>
internal sealed record NamedNetwork(string Name, IPNetwork Network);
