using System.CommandLine;
using System.Globalization;
using Terway.Cli.Bundle;

namespace Terway.Cli.Commands;

/// <summary>terway-cli support-bundle: what somebody needs who has to understand this node from afar, without its secrets.</summary>
internal static class BundleCommand
{
    public static Command Create(TextWriter output, Option<string> socket)
    {
        var paths = new NodePathOptions();
        var file = new Option<string?>("--output", "-o") { Description = "where to write the archive; terway-support-<node>-<time>.tar.gz when not given" };
        var command = new Command("support-bundle", "writes status, plugins, mapping, checks, configuration without its secrets, and the kernel's links, routes and rules into a tar.gz. Exit code 2: it cannot be written") { file };
        paths.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var now = TimeProvider.System.GetUtcNow();
            var name = string.Create(CultureInfo.InvariantCulture, $"terway-support-{Environment.MachineName}-{now:yyyyMMdd-HHmmss}");
            var path = parsed.GetValue(file) ?? $"{name}.tar.gz";
            await WriteAsync(path, name, paths.Read(parsed, parsed.GetRequiredValue(socket)), cancellationToken).ConfigureAwait(false);
            await output.WriteLineAsync(path).ConfigureAwait(false);
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task WriteAsync(string path, string name, NodePaths paths, CancellationToken cancellationToken)
    {
        var redaction = new Redaction();
        redaction.LearnEnvironment(Environment.GetEnvironmentVariables());
        var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        await using (file.ConfigureAwait(false))
        {
            using var bundle = new BundleWriter(file, name, redaction, TimeProvider.System.GetUtcNow());
            await SupportBundle.WriteAsync(bundle, redaction, paths, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
    }
}
