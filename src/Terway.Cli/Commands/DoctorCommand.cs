using System.CommandLine;
using Terway.Cli.Doctor;
using Terway.Cli.Output;

namespace Terway.Cli.Commands;

/// <summary>terway-cli doctor: what is wrong with this node, and what to do.</summary>
internal static class DoctorCommand
{
    public static Command Create(Func<ParseResult, CliOutput> output, Option<string> socket)
    {
        var paths = new NodePathOptions();
        var command = new Command("doctor", "what is wrong with this node, and what to do; works when the daemon is down too. Exit code 1: a check fails; warnings alone are 0");
        paths.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var (report, _) = await Examination.RunAsync(paths.Read(parsed, parsed.GetRequiredValue(socket)), TimeProvider.System, cancellationToken).ConfigureAwait(false);
            return Write(report, output(parsed));
        });
        return command;
    }

    public static int Write(DoctorReport report, CliOutput output)
    {
        if (output.IsJson)
        {
            output.Json(report, CliJson.Readable.DoctorReport);
        }
        else
        {
            output.Table(
                ["result", "check", "what was seen", "what to do"],
                [.. report.Checks.Select(static c => new[] { $"{c.Result}".ToLowerInvariant(), c.Name, c.Reason, c.Fix })]);
        }

        return report.Healthy ? ExitCode.Ok : ExitCode.Wrong;
    }
}
