namespace Terway.Plugins.DataPathV2.Abi;

/// <summary>The names that the header gives, for metrics and people.</summary>
internal static class WireNames
{
    public static string Of(DropReason reason) => reason switch
    {
        DropReason.Malformed => "malformed",
        DropReason.SpoofedSource => "spoofed-source",
        DropReason.SpoofedMac => "spoofed-mac",
        DropReason.SpoofedArp => "spoofed-arp",
        DropReason.Vlan => "vlan-tag",
        DropReason.Protocol => "unsupported-protocol",
        DropReason.Internal => "internal",
        DropReason.EgressHorizon => "egress-horizon",
        DropReason.IngressHorizon => "ingress-horizon",
        _ => "none",
    };

    public static string Of(SvcOutcome outcome) => outcome switch
    {
        SvcOutcome.Translated => "translated",
        SvcOutcome.Refused => "refused",
        SvcOutcome.Sticky => "sticky",
        _ => "none",
    };

    public static string Of(PathTaken path) => path switch
    {
        PathTaken.PodToPod => "pod-to-pod",
        PathTaken.PodToVpc => "pod-to-vpc",
        PathTaken.VpcToPod => "vpc-to-pod",
        PathTaken.StackControl => "stack-control",
        PathTaken.StackCidr => "stack-cidr",
        PathTaken.StackRoute => "stack-route",
        PathTaken.StackFlow => "stack-flow",
        PathTaken.StackFragment => "stack-fragment",
        PathTaken.StackHeader => "stack-header",
        PathTaken.StackTtl => "stack-ttl",
        PathTaken.StackMtu => "stack-mtu",
        PathTaken.StackEni => "stack-eni",
        PathTaken.StackNode => "stack-node",
        PathTaken.StackFamily => "stack-family",
        PathTaken.StackToPod => "stack-to-pod",
        _ => throw new ArgumentOutOfRangeException(nameof(path)),
    };
}
