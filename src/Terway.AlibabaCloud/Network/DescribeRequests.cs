namespace Terway.AlibabaCloud.Network;

/// <summary>Find ENIs; every filter that is set has to match.</summary>
public sealed record DescribeNetworkInterfacesRequest : CloudRequest
{
    /// <summary>Ids; any number, asked for in portions of 100. Empty: no filter.</summary>
    public IReadOnlyList<string> NetworkInterfaceIds { get; init; } = [];

    /// <summary>Instance they are attached to.</summary>
    public string? InstanceId { get; init; }

    /// <summary>VPC.</summary>
    public string? VpcId { get; init; }

    /// <summary>vSwitch.</summary>
    public string? VSwitchId { get; init; }

    /// <summary>One of <see cref="EniType"/>.</summary>
    public string? Type { get; init; }

    /// <summary>One of <see cref="EniStatus"/>.</summary>
    public string? Status { get; init; }

    /// <summary>Tags that all have to be there.</summary>
    public IReadOnlyList<Tag> Tags { get; init; } = [];

    /// <summary>Page size, 10 to 500.</summary>
    public int MaxResults { get; init; } = 500;

    internal override void Write(RequestParameters parameters)
    {
        parameters.AddList("NetworkInterfaceId", NetworkInterfaceIds);
        parameters.Add("InstanceId", InstanceId);
        parameters.Add("VpcId", VpcId);
        parameters.Add("VSwitchId", VSwitchId);
        parameters.Add("Type", Type);
        parameters.Add("Status", Status);
        parameters.AddTags(Tags);
        parameters.Add("MaxResults", MaxResults);
    }
}

/// <summary>Limits of instance types.</summary>
public sealed record DescribeInstanceTypesRequest : CloudRequest
{
    /// <summary>Types; any number, asked for in portions of 10. Empty: all there are.</summary>
    public IReadOnlyList<string> InstanceTypes { get; init; } = [];

    /// <summary>Page size, up to 100.</summary>
    public int MaxResults { get; init; } = 100;

    internal override void Write(RequestParameters parameters)
    {
        parameters.AddList("InstanceTypes", InstanceTypes);
        parameters.Add("MaxResults", MaxResults);
    }
}

/// <summary>Find vSwitches; every filter that is set has to match.</summary>
public sealed record DescribeVSwitchesRequest : CloudRequest
{
    /// <summary>One vSwitch.</summary>
    public string? VSwitchId { get; init; }

    /// <summary>VPC.</summary>
    public string? VpcId { get; init; }

    /// <summary>Zone.</summary>
    public string? ZoneId { get; init; }

    /// <summary>Page size, up to 50.</summary>
    public int PageSize { get; init; } = 50;

    internal override void Write(RequestParameters parameters)
    {
        parameters.Add("VSwitchId", VSwitchId);
        parameters.Add("VpcId", VpcId);
        parameters.Add("ZoneId", ZoneId);
        parameters.Add("PageSize", PageSize);
    }
}
