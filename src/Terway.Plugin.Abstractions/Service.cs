using System.Net;

namespace Terway.Plugin;

/// <summary>
/// A Service (Kubernetes v1) that has addresses of its own, with its endpoints. Headless Services and those of type ExternalName are not told: their
/// clients talk to what DNS gives them.
/// </summary>
public sealed record Service
{
    /// <summary>What it is called.</summary>
    public required ServiceName Name { get; init; }

    /// <summary>clusterIPs, at most one of each family.</summary>
    public IReadOnlyList<IPAddress> ClusterAddresses { get; init; } = [];

    /// <summary>externalIPs, and those of status.loadBalancer.ingress whose ipMode is not Proxy: such a load balancer wants to see its clients.</summary>
    public IReadOnlyList<IPAddress> ExternalAddresses { get; init; } = [];

    /// <summary>Its ports.</summary>
    public required IReadOnlyList<ServicePort> Ports { get; init; }

    /// <summary>sessionAffinity ClientIP: how long after its last connection a client meets the same endpoint; null without affinity.</summary>
    public TimeSpan? Affinity { get; init; }

    /// <summary>internalTrafficPolicy Local: clients of its cluster addresses meet endpoints of their own node only.</summary>
    public bool InternalLocal { get; init; }

    /// <summary>externalTrafficPolicy Local: so do clients outside of the cluster. Those inside it may meet all endpoints.</summary>
    public bool ExternalLocal { get; init; }
}

/// <summary>A port of a Service.</summary>
public sealed record ServicePort
{
    /// <summary>Its name; empty for the only one.</summary>
    public string Name { get; init; } = "";

    /// <summary>TCP, UDP or SCTP.</summary>
    public required string Protocol { get; init; }

    /// <summary>The port of its addresses.</summary>
    public required ushort Port { get; init; }

    /// <summary>The port on every node; 0 when there is none.</summary>
    public ushort NodePort { get; init; }

    /// <summary>Who serves it, of every EndpointSlice: each address and port once.</summary>
    public IReadOnlyList<ServiceEndpoint> Endpoints { get; init; } = [];
}

/// <summary>One endpoint of a <see cref="ServicePort"/>.</summary>
public sealed record ServiceEndpoint
{
    /// <summary>Its address.</summary>
    public required IPAddress Address { get; init; }

    /// <summary>Its port.</summary>
    public required ushort Port { get; init; }

    /// <summary>Takes new clients.</summary>
    public bool Ready { get; init; } = true;

    /// <summary>Answers, whether it is terminating or not.</summary>
    public bool Serving { get; init; } = true;

    /// <summary>Is about to go.</summary>
    public bool Terminating { get; init; }

    /// <summary>Name of its node; empty when that is not known.</summary>
    public string Node { get; init; } = "";

    /// <summary>Zones whose clients it is for (hints.forZones); empty without hints.</summary>
    public IReadOnlyList<string> Zones { get; init; } = [];
}
