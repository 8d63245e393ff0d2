using Google.Protobuf;
using Grpc.Core;
using Spectre.Console;
using Terway.Host.Api.V1;

namespace Terway.Cli.Commands;

internal static class MappingCommand
{
    public static async Task<int> RunAsync(NodeClient client, bool json, CancellationToken cancellationToken)
    {
        using var call = client.Node.ListAttachments(new ListAttachmentsRequest(), cancellationToken: cancellationToken);
        var table = new Table().Border(TableBorder.Simple).AddColumns("ENI", "link", "address", "pod", "sandbox", "host link", "phase");
        var lines = new List<string>();
        await foreach (var a in call.ResponseStream.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            if (json) lines.Add(JsonFormatter.Default.Format(a));
            table.AddRow(
                a.EniId, a.EniLink, string.Join(' ', a.Addresses), Markup.Escape(a.Name.Length > 0 ? $"{a.Namespace}/{a.Name}" : "-"),
                Markup.Escape(a.ContainerId.Length > 12 ? a.ContainerId[..12] : a.ContainerId), a.HostLink, a.Phase);
        }

        if (json) Console.WriteLine($"[{string.Join(',', lines)}]");
        else AnsiConsole.Write(table);
        return 0;
    }
}
