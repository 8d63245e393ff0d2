using System.CommandLine;
using Terway.AlibabaCloud.Network;

namespace Terway.Cli.Commands;

/// <summary>Limits of an instance type: the built-in table, and flags that override or replace it.</summary>
internal sealed class InstanceTypeOptions
{
    private readonly Option<int?> _enis = Number("--eni-quantity", "ENIs, the primary one included (EniQuantity)");
    private readonly Option<int?> _total = Number("--eni-total-quantity", "ENIs and member ENIs (EniTotalQuantity)");
    private readonly Option<int?> _ipv4 = Number("--eni-private-ip-address-quantity", "IPv4 addresses per ENI (EniPrivateIpAddressQuantity)");
    private readonly Option<int?> _ipv6 = Number("--eni-ipv6-address-quantity", "IPv6 addresses per ENI (EniIpv6AddressQuantity)");
    private readonly Option<bool?> _trunk = new("--eni-trunk-supported") { Description = "whether it can carry a trunk ENI (EniTrunkSupported)" };
    private readonly Option<int?> _erdma = Number("--eri-quantity", "ENIs that can be eRDMA interfaces (EriQuantity)");

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_enis, _total, _ipv4, _ipv6, _trunk, _erdma]) command.Options.Add(option);
    }

    /// <exception cref="CannotTellException">The type is not in the table, and the flags do not say enough.</exception>
    public InstanceTypeLimits Read(ParseResult parsed, string instanceType)
    {
        var known = InstanceTypeTable.Find(instanceType);
        var (enis, ipv4) = (parsed.GetValue(_enis) ?? known?.EniQuantity, parsed.GetValue(_ipv4) ?? known?.EniPrivateIpAddressQuantity);
        if (enis is null || ipv4 is null)
        {
            throw new CannotTellException(
                $"instance type {instanceType} is not in the built-in table; give its limits with --eni-quantity and --eni-private-ip-address-quantity"
                + " (and, where they matter, --eni-total-quantity, --eni-ipv6-address-quantity, --eni-trunk-supported, --eri-quantity), as DescribeInstanceTypes shows them");
        }

        var total = parsed.GetValue(_total) ?? Math.Max(known?.EniTotalQuantity ?? enis.Value, enis.Value);
        return (known ?? new InstanceTypeLimits { InstanceTypeId = instanceType }) with
        {
            EniQuantity = enis.Value,
            EniTotalQuantity = total,
            EniPrivateIpAddressQuantity = ipv4.Value,
            EniIpv6AddressQuantity = parsed.GetValue(_ipv6) ?? known?.EniIpv6AddressQuantity ?? 0,
            EniTrunkSupported = parsed.GetValue(_trunk) ?? known?.EniTrunkSupported ?? false,
            EriQuantity = parsed.GetValue(_erdma) ?? known?.EriQuantity ?? 0,
        };
    }

    private static Option<int?> Number(string name, string description)
    {
        var option = new Option<int?>(name) { Description = description };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && int.TryParse(token.Value, out var number) && number is < 0 or > 100_000) result.AddError($"{name} {token.Value} is out of range: 0 to 100000");
        });
        return option;
    }
}
