namespace Terway.AlibabaCloud.Network;

/// <summary>Attach an ENI to an instance. The answer only means that it has begun.</summary>
public sealed record AttachNetworkInterfaceRequest : CloudRequest
{
    /// <summary>ENI.</summary>
    public required string NetworkInterfaceId { get; init; }

    /// <summary>Instance.</summary>
    public required string InstanceId { get; init; }

    /// <summary>Trunk ENI, for a member ENI.</summary>
    public string? TrunkNetworkInstanceId { get; init; }

    /// <summary>Network card, on instances with several.</summary>
    public int? NetworkCardIndex { get; init; }

    internal override void Write(RequestParameters parameters)
    {
        parameters.Required("NetworkInterfaceId", NetworkInterfaceId);
        parameters.Required("InstanceId", InstanceId);
        parameters.Add("TrunkNetworkInstanceId", TrunkNetworkInstanceId);
        parameters.Add("NetworkCardIndex", NetworkCardIndex);
    }
}

/// <summary>Detach an ENI from its instance. The answer only means that it has begun.</summary>
public sealed record DetachNetworkInterfaceRequest : CloudRequest
{
    /// <summary>ENI.</summary>
    public required string NetworkInterfaceId { get; init; }

    /// <summary>Instance.</summary>
    public required string InstanceId { get; init; }

    /// <summary>Trunk ENI, for a member ENI.</summary>
    public string? TrunkNetworkInstanceId { get; init; }

    internal override void Write(RequestParameters parameters)
    {
        parameters.Required("NetworkInterfaceId", NetworkInterfaceId);
        parameters.Required("InstanceId", InstanceId);
        parameters.Add("TrunkNetworkInstanceId", TrunkNetworkInstanceId);
    }
}

/// <summary>Delete an ENI that is attached to nothing. Asynchronous: describe until it is gone.</summary>
public sealed record DeleteNetworkInterfaceRequest : CloudRequest
{
    /// <summary>ENI.</summary>
    public required string NetworkInterfaceId { get; init; }

    internal override void Write(RequestParameters parameters) => parameters.Required("NetworkInterfaceId", NetworkInterfaceId);
}
