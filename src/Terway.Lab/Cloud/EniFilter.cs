using System.Collections.Immutable;

namespace Terway.Lab.Cloud;

/// <summary>Filters of DescribeNetworkInterfaces; all given ones must match.</summary>
public sealed record EniFilter
{
    public ImmutableArray<string> Ids { get; init; } = [];

    public string? InstanceId { get; init; }

    public EniStatus? Status { get; init; }

    public EniType? Type { get; init; }

    public string? VpcId { get; init; }

    public string? VSwitchId { get; init; }

    public string? SecurityGroupId { get; init; }

    public string? PrimaryIp { get; init; }

    public ImmutableArray<string> PrivateIps { get; init; } = [];

    /// <summary>An empty value matches any value of the key.</summary>
    public ImmutableArray<KeyValuePair<string, string>> Tags { get; init; } = [];

    internal bool Matches(Eni eni) =>
        (Ids.IsEmpty || Ids.Contains(eni.Id))
        && (InstanceId is null || eni.Instance?.Id == InstanceId)
        && (Status is null || eni.Status == Status)
        && (Type is null || eni.Type == Type)
        && (VpcId is null || eni.VSwitch.VpcId == VpcId)
        && (VSwitchId is null || eni.VSwitch.Id == VSwitchId)
        && (SecurityGroupId is null || eni.SecurityGroupIds.Contains(SecurityGroupId))
        && (PrimaryIp is null || eni.PrimaryIp.ToString() == PrimaryIp)
        && (PrivateIps.IsEmpty || PrivateIps.Any(ip => eni.PrimaryIp.ToString() == ip || eni.SecondaryIps.Any(s => s.ToString() == ip)))
        && Tags.All(t => eni.Request.Tags.TryGetValue(t.Key, out var value) && (t.Value.Length == 0 || value == t.Value));

    /// <summary>As the other one; for states of the past.</summary>
    internal bool Matches(EniSnapshot eni) =>
        (Ids.IsEmpty || Ids.Contains(eni.Id))
        && (InstanceId is null || eni.InstanceId == InstanceId)
        && (Status is null || eni.Status == Status)
        && (Type is null || eni.Type == Type)
        && (VpcId is null || eni.VpcId == VpcId)
        && (VSwitchId is null || eni.VSwitchId == VSwitchId)
        && (SecurityGroupId is null || eni.SecurityGroupIds.Contains(SecurityGroupId))
        && (PrimaryIp is null || eni.PrimaryIp.ToString() == PrimaryIp)
        && (PrivateIps.IsEmpty || PrivateIps.Any(ip => eni.PrivateIps.Any(s => s.ToString() == ip)))
        && Tags.All(t => eni.Tags.TryGetValue(t.Key, out var value) && (t.Value.Length == 0 || value == t.Value));
}
