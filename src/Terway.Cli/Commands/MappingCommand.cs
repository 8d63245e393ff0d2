using System.CommandLine;
using Grpc.Core;
using Terway.Cli.Mapping;
using Terway.Cli.Output;
using Terway.Host.Api.V1;

namespace Terway.Cli.Commands;

/// <summary>terway-cli mapping: ENI, address and pod, as the daemon's journal, the cloud and the kernel have them.</summary>
internal static class MappingCommand
{
    public static Command Create(Func<ParseResult, CliOutput> output, Func<ParseResult, NodeClient> client)
    {
        var offline = new Option<bool>("--no-cloud") { Description = "do not ask the cloud; compare journal and kernel" };
        var command = new Command("mapping", "which pod has which ENI and address: journal, cloud and kernel compared, differences marked. Exit code 1: they differ; 2: no daemon answers") { offline };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var node = client(parsed);
            return Write(await ReadAsync(node, !parsed.GetValue(offline), cancellationToken).ConfigureAwait(false), output(parsed));
        });
        return command;
    }

    /// <summary>Asks the daemon, then reads the kernel of the calling thread's namespace.</summary>
    public static async Task<MappingReport> ReadAsync(NodeClient node, bool askCloud, CancellationToken cancellationToken)
    {
        var cloud = askCloud ? await node.Node.GetCloudEnisAsync(new GetCloudEnisRequest(), cancellationToken: cancellationToken).ConfigureAwait(false) : null;
        var state = new List<Attachment>();
        using (var call = node.Node.ListAttachments(new ListAttachmentsRequest(), cancellationToken: cancellationToken))
        {
            await foreach (var attachment in call.ResponseStream.ReadAllAsync(cancellationToken).ConfigureAwait(false)) state.Add(attachment);
        }

        return MappingComparison.Compare(state, cloud, KernelSide.Read());
    }

    public static int Write(MappingReport report, CliOutput output)
    {
        if (output.IsJson)
        {
            output.Json(report, CliJson.Readable.MappingReport);
        }
        else
        {
            output.Table(
                ["ENI", "link", "address", "pod", "host link", "phase", "cloud", "kernel"],
                [.. report.Rows.Select(static r => new[] { r.Eni, r.Link, r.Address, r.Pod, r.HostLink, r.Phase, r.Cloud, r.Kernel })]);
            if (report.CloudError is { } error) output.Line($"the cloud was not compared: {error}");
            if (report.Differences.Count > 0)
            {
                output.Line($"{report.Differences.Count} {(report.Differences.Count == 1 ? "difference" : "differences")}:");
                output.Table(
                    ["what", "state", "cloud", "kernel", "fix"],
                    [.. report.Differences.Select(static d => new[] { d.Subject, d.State, d.Cloud, d.Kernel, d.Fix })]);
            }
        }

        return report.Differences.Count == 0 ? ExitCode.Ok : ExitCode.Wrong;
    }
}
