using System.CommandLine;
using Terway.AlibabaCloud.Network;
using Terway.Cli.Output;
using Terway.Configuration.Validation;

namespace Terway.Cli.Commands;

/// <summary>One mode of <see cref="CapacityReport"/>.</summary>
internal sealed record CapacityMode(string Mode, int Pods, string Arithmetic, int? MoreThan, bool? Joins, string? Note);

/// <summary>What an instance type can carry.</summary>
internal sealed record CapacityReport(
    string InstanceType, int EniQuantity, int EniTotalQuantity, int EniPrivateIpAddressQuantity, int EniIpv6AddressQuantity, bool EniTrunkSupported, int EriQuantity,
    IReadOnlyList<CapacityMode> Modes, bool DualStack, string? WhyNoDualStack);

/// <summary>terway-cli capacity: pods per node, offline.</summary>
internal static class CapacityCommand
{
    public static Command Create(Func<ParseResult, CliOutput> output)
    {
        var type = new Argument<string>("instance-type") { Description = "such as ecs.g7.4xlarge" };
        var limits = new InstanceTypeOptions();
        var command = new Command("capacity", "how many pods an instance type carries in each mode, and whether it may join; offline. Exit code 1: it can join no pool; 2: the type is not known") { type };
        limits.AddTo(command);
        command.SetAction(parsed => Run(limits.Read(parsed, parsed.GetRequiredValue(type)), output(parsed)));
        return command;
    }

    public static int Run(InstanceTypeLimits type, CliOutput output)
    {
        var report = Report(type);
        if (output.IsJson) output.Json(report, CliJson.Readable.CapacityReport);
        else Write(report, output);
        return report.Modes.Any(static m => m.Joins == true) ? ExitCode.Ok : ExitCode.Wrong;
    }

    private static CapacityReport Report(InstanceTypeLimits type) => new(
        type.InstanceTypeId, type.EniQuantity, type.EniTotalQuantity, type.EniPrivateIpAddressQuantity, type.EniIpv6AddressQuantity, type.EniTrunkSupported, type.EriQuantity,
        [.. PodCapacity.Of(type).Select(static m => new CapacityMode(m.Mode, m.Pods, m.Arithmetic, m.MoreThan, m.Joins, m.Note.Length > 0 ? m.Note : null))],
        type.SupportsSharedDualStack, type.SupportsSharedDualStack ? null : InstanceChecks.DualStackProblem(type));

    private static void Write(CapacityReport report, CliOutput output)
    {
        output.Line(
            $"{report.InstanceType}: {report.EniQuantity} ENIs ({report.EniTotalQuantity} with members), {report.EniPrivateIpAddressQuantity} IPv4 and "
            + $"{report.EniIpv6AddressQuantity} IPv6 addresses each, trunk {(report.EniTrunkSupported ? "yes" : "no")}, eRDMA interfaces {report.EriQuantity}");
        output.Table(
            ["mode", "pods", "may join", "arithmetic"],
            [.. report.Modes.Select(static m => new[]
            {
                m.Mode, $"{m.Pods}", m.Joins switch { true => $"yes, {m.Pods} > {m.MoreThan}", false => $"no, needs more than {m.MoreThan}", null => m.Note ?? "" }, m.Arithmetic,
            })]);
        output.Line(report.DualStack
            ? $"dual stack: yes, as many IPv6 as IPv4 addresses per ENI; not together with eRDMA"
            : $"dual stack on shared ENIs: no, {report.WhyNoDualStack}");
    }
}
