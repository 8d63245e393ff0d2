using Grpc.Core;
using Terway.Host.Api.V1;

namespace Terway.Cli.Doctor;

/// <summary>What the daemon says of itself, if it answers.</summary>
internal static class DaemonChecks
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(5);

    /// <summary>Asks the daemon; null when it does not answer.</summary>
    public static async Task<(NodeStatus? Status, List<Check> Checks)> RunAsync(string socket, CancellationToken cancellationToken)
    {
        var checks = new List<Check>();
        if (!File.Exists(socket))
        {
            checks.Add(Check.Fail("daemon", $"there is no socket {socket}", "start terwayd on this node, or name its socket with --socket; running pods keep their network"));
            return (null, checks);
        }

        try
        {
            using var client = new NodeClient(socket);
            var status = await client.Node.GetStatusAsync(
                new GetStatusRequest(), deadline: DateTime.UtcNow + s_limit, cancellationToken: cancellationToken).ConfigureAwait(false);
            Judge(status, checks);
            return (status, checks);
        }
        catch (RpcException e) when (!cancellationToken.IsCancellationRequested)
        {
            checks.Add(Check.Fail(
                "daemon", $"nobody answers on {socket}: {NodeClient.Explain(e)}", "see whether terwayd runs and what its log says last; be root; running pods keep their network"));
            return (null, checks);
        }
    }

    /// <summary>Turns a status into checks.</summary>
    public static void Judge(NodeStatus status, List<Check> checks)
    {
        checks.Add(Check.Ok("daemon", $"terwayd {status.Version} on {status.NodeName} ({status.InstanceId}, {status.InstanceType}) answers"));
        checks.Add(status.Ready
            ? Check.Ok("ready", "the node takes new pods")
            : Check.Fail("ready", $"the node takes no new pods: {status.Reason}", "the reason says what to do; running pods keep their network"));
        foreach (var finding in status.Findings.Where(static f => f.Severity != "Info"))
            checks.Add(new Check($"finding {finding.Path}", finding.Severity == "Error" ? CheckResult.Fail : CheckResult.Warn, finding.Reason, finding.Fix));
        foreach (var plugin in status.Plugins)
        {
            var name = $"plugin {plugin.Name} {plugin.Version}".TrimEnd();
            if (plugin.State is "Started" or "Loaded") checks.Add(Check.Ok(name, plugin.State));
            else checks.Add(new Check(name, plugin.Required && plugin.State is "Rejected" or "Faulted" ? CheckResult.Fail : CheckResult.Warn, $"{plugin.State}: {plugin.Reason}", "correct what the reason names, and restart the daemon"));
        }

        foreach (var pool in status.Pools.Where(static p => p.Exhausted.Length > 0))
            checks.Add(Check.Warn($"pool {pool.Provider}", $"no address for another pod: {pool.Exhausted}", "new pods wait until an address comes back; move pods to other nodes, or use larger ones"));
        if (status.Detaching > 0)
            checks.Add(Check.Warn("deletes", $"{status.Detaching} of {status.Attachments} pods wait to be taken away", "it is tried again by itself; the daemon's log says what is in the way"));
    }
}
