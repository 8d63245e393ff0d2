namespace Terway.Lab.Cloud;

/// <summary>The refusals of the ECS and VPC APIs, with the status codes of their public error tables.</summary>
internal static class CloudErrors
{
    public static CloudException MissingParameter(string name) =>
        new(400, "MissingParameter", $"The input parameter \"{name}\" that is mandatory for processing this request is not supplied.");

    public static CloudException InvalidParameter(string name, string why) =>
        new(400, "InvalidParameter", $"The specified parameter \"{name}\" is not valid: {why}");

    public static CloudException ParameterConflict(string first, string second) =>
        new(400, "InvalidParameter.Conflict", $"The parameters \"{first}\" and \"{second}\" cannot be specified together.");

    public static CloudException EniNotFound(string id) =>
        new(404, "InvalidEniId.NotFound", $"The specified network interface \"{id}\" does not exist.");

    public static CloudException InstanceNotFound(string id) =>
        new(404, "InvalidEcsId.NotFound", $"The specified instance \"{id}\" does not exist.");

    public static CloudException VSwitchNotFound(string id) =>
        new(404, "InvalidVSwitchId.NotFound", $"The specified vSwitch \"{id}\" does not exist.");

    public static CloudException SecurityGroupNotFound(string id) =>
        new(404, "InvalidSecurityGroupId.NotFound", $"The specified security group \"{id}\" does not exist.");

    public static CloudException InvalidEniState(string id, EniStatus status, string expected) =>
        new(400, "InvalidOperation.InvalidEniState",
            $"The operation is not allowed while network interface \"{id}\" is {status}; expected {expected}.");

    public static CloudException InvalidEniType(string id, EniType type) =>
        new(403, "InvalidOperation.InvalidEniType", $"The operation is not allowed on \"{id}\", a network interface of type {type}.");

    public static CloudException PrimaryDetach(string id) =>
        new(400, "InvalidOperation.DetachPrimaryEniNotAllowed", $"Network interface \"{id}\" is the primary one of its instance and cannot be detached.");

    public static CloudException AttachmentMismatch(string id, string instanceId) =>
        new(400, "InvalidParameter", $"Network interface \"{id}\" is not attached to \"{instanceId}\".");

    public static CloudException EnisPerInstance(string instanceId, string type, int limit) =>
        new(403, "EniPerInstanceLimitExceeded",
            $"The maximum number of network interfaces ({limit} for {type}) of instance \"{instanceId}\" is reached.");

    public static CloudException EniQuota(int limit) =>
        new(403, "MaxEniCountExceeded", $"The maximum number of network interfaces of the account ({limit}) is reached.");

    public static CloudException ZoneMismatch(string eni, string eniZone, string instance, string instanceZone) =>
        new(403, "InvalidOperation.AvailabilityZoneMismatch",
            $"Network interface \"{eni}\" is in zone {eniZone}, instance \"{instance}\" in {instanceZone}.");

    public static CloudException VpcMismatch(string what) =>
        new(403, "InvalidOperation.VpcMismatch", $"{what} are not in the same VPC.");

    public static CloudException TrunkUnsupported(string instance, string type) =>
        new(403, "InvalidOperation.InvalidEniType", $"Instance \"{instance}\" of type {type} does not support trunk network interfaces.");

    public static CloudException IpNotEnough(string vSwitchId) =>
        new(403, "InvalidVSwitchId.IpNotEnough", $"The vSwitch \"{vSwitchId}\" does not have enough IP addresses.");

    public static CloudException IpInvalid(string ip, string vSwitchId) =>
        new(403, "InvalidVSwitchId.IpInvalid", $"The IP address \"{ip}\" is not valid in vSwitch \"{vSwitchId}\".");

    public static CloudException IpAssigned(string ip) =>
        new(403, "InvalidIp.IpAssigned", $"The IP address \"{ip}\" is already assigned.");

    public static CloudException IpRepeated(string ip) =>
        new(403, "InvalidIp.IpRepeated", $"The IP address \"{ip}\" is specified more than once.");

    public static CloudException IpUnassigned(string ip, string eniId) =>
        new(403, "InvalidIp.IpUnassigned", $"The IP address \"{ip}\" is not a secondary address of network interface \"{eniId}\".");

    public static CloudException Ipv4Count(string eniId, int limit) =>
        new(403, "InvalidOperation.Ipv4CountExceeded", $"Network interface \"{eniId}\" would exceed {limit} IPv4 addresses and prefixes.");

    public static CloudException Ipv6Count(string eniId, int limit) =>
        new(403, "InvalidOperation.Ipv6CountExceeded", $"Network interface \"{eniId}\" would exceed {limit} IPv6 addresses and prefixes.");

    public static CloudException Ipv6Off(string vSwitchId) =>
        new(403, "InvalidVSwitch.Ipv6NotTurnOn", $"The vSwitch \"{vSwitchId}\" has no IPv6 range.");

    public static CloudException PrivateIpQuota(string vpcId, int limit) =>
        new(403, "QuotaExceeded.PrivateIpAddress", $"The quota of private IP addresses ({limit}) of VPC \"{vpcId}\" is used up.");

    public static CloudException GroupFull(string groupId, int limit) =>
        new(403, "SecurityGroupInstanceLimitExceed", $"The maximum number of private IP addresses ({limit}) in security group \"{groupId}\" is reached.");

    public static CloudException TooManyGroups(int limit) =>
        new(400, "JoinedGroupLimitExceed", $"A network interface joins at most {limit} security groups.");

    public static CloudException Conflict(string eniId) =>
        new(403, "Operation.Conflict", $"Another operation on network interface \"{eniId}\" is in progress. Try again later.");
}
