using Google.Protobuf;
using Spectre.Console;
using Terway.Host.Api.V1;

namespace Terway.Cli.Commands;

internal static class PluginsCommand
{
    public static async Task<int> RunAsync(NodeClient client, bool json, CancellationToken cancellationToken)
    {
        var status = await client.Node.GetStatusAsync(new GetStatusRequest(), cancellationToken: cancellationToken).ConfigureAwait(false);
        if (json)
        {
            Console.WriteLine($"[{string.Join(',', status.Plugins.Select(static p => JsonFormatter.Default.Format(p)))}]");
            return 0;
        }

        var table = new Table().Border(TableBorder.Simple).AddColumns("plugin", "version", "state", "roles", "why");
        foreach (var plugin in status.Plugins)
        {
            table.AddRow(
                Markup.Escape(plugin.Name), Markup.Escape(plugin.Version), Markup.Escape(plugin.State), Markup.Escape(string.Join(", ", plugin.Roles)),
                Markup.Escape(plugin.Reason.Length > 0 ? plugin.Reason : plugin.Why));
        }

        AnsiConsole.Write(table);
        return 0;
    }
}
