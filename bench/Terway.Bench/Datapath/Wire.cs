using System.Net;
using Terway.Linux.Namespaces;

namespace Terway.Bench.Datapath;

/// <summary>A way from a client to a server, and how to tell that packets take it.</summary>
/// <param name="Name">for people</param>
/// <param name="Client">the client's namespace</param>
/// <param name="Target">whom the client knows as the server; the port is the first of the server's TCP ports</param>
/// <param name="UdpTarget">the same for datagrams</param>
/// <param name="Witness">sees packets pass</param>
/// <param name="Cgroup">whose socket hooks the client is under; null for none</param>
internal sealed record Wire(string Name, NetNs Client, IPEndPoint Target, IPEndPoint UdpTarget, IWitness Witness, string? Cgroup = null);
