namespace Terway.Lab.Cloud;

/// <summary>
/// The data plane that the region drives. Calls for one ENI never overlap and come in the order of the state changes; calls for
/// different ENIs may run at once. An exception from <see cref="PlugAsync"/> makes the region roll the attach back.
/// </summary>
public interface IVpcFabric
{
    /// <summary>Connects an ENI to its instance; for a member ENI, opens its VLAN on the trunk. Called while the ENI is Attaching.</summary>
    Task PlugAsync(EniSnapshot eni, string instanceId, CancellationToken ct);

    /// <summary>Disconnects an ENI wherever its node end is now. Succeeds when it is not plugged.</summary>
    Task UnplugAsync(string eniId, CancellationToken ct);

    /// <summary>Addresses or security groups of a plugged ENI changed.</summary>
    Task UpdateEniAsync(EniSnapshot eni, CancellationToken ct);

    /// <summary>The ENI no longer exists; its addresses may be handed out again after this returns.</summary>
    Task RemoveEniAsync(string eniId, CancellationToken ct);

    /// <summary>Called for each group when the region starts and after each change of its rules.</summary>
    Task UpdateSecurityGroupAsync(SecurityGroupSnapshot securityGroup, CancellationToken ct);
}
