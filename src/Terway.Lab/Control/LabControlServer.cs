using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Terway.Lab.Cloud.Control;
using Terway.Lab.Config;
using Terway.Lab.Nodes;
using Terway.Lab.Probing;
using Terway.Lab.Runtime;

namespace Terway.Lab.Control;

/// <summary>
/// The running lab over HTTP, on a unix socket: <c>/lab/nodes</c>, <c>/lab/pods</c>, <c>/lab/drops</c>, <c>/lab/matrix</c>,
/// <c>/lab/leaks</c>, <c>/lab/down</c>, and the cloud's own <c>/lab/region</c>, <c>/lab/calls</c> and <c>/lab/faults</c>.
/// </summary>
internal sealed class LabControlServer(RunningLab lab, LabCluster cluster, Action shutDown)
{
    private static readonly TimeSpan s_matrixTimeout = TimeSpan.FromSeconds(3);
    private readonly ControlServer _cloud = new(lab.Cloud.Region, lab.Cloud.Calls);

    public async Task HandleAsync(HttpContext context)
    {
        try
        {
            await RouteAsync(context);
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or CniCallException or ArgumentException or JsonException or IOException)
        {
            var status = e is KeyNotFoundException ? 404 : e is ArgumentException or JsonException ? 400 : 409;
            await WriteAsync(context, new ErrorView(e.Message), ControlJson.Default.ErrorView, status);
        }
        catch (Cloud.CloudException e)
        {
            await WriteAsync(context, new ErrorView($"the region refused: {e.Message}"), ControlJson.Default.ErrorView, 409);
        }
    }

    private Task RouteAsync(HttpContext context)
    {
        var path = (context.Request.Path.Value ?? "/").Trim('/').Split('/');
        return (context.Request.Method, path) switch
        {
            ("GET", ["lab", "nodes"]) => WriteAsync(context, [.. lab.Nodes.Select(ViewOf)], ControlJson.Default.NodeViewArray),
            ("POST", ["lab", "nodes"]) => AddNodeAsync(context),
            ("POST", ["lab", "nodes", var name, "daemon"]) => DaemonAsync(context, lab.Node(name)),
            ("GET", ["lab", "pods"]) => WriteAsync(context, [.. cluster.Pods.Select(ViewOf)], ControlJson.Default.PodViewArray),
            ("POST", ["lab", "pods"]) => AddPodAsync(context),
            ("DELETE", ["lab", "pods", var name]) => RemovePodAsync(context, name),
            ("POST", ["lab", "pods", var name, "ping"]) => PingAsync(context, lab.Pod(name)),
            ("GET", ["lab", "drops"]) => WriteAsync(context, Drops(), ControlJson.Default.DropsView),
            ("DELETE", ["lab", "drops"]) => ResetDropsAsync(context),
            ("POST", ["lab", "matrix"]) => MatrixAsync(context),
            ("GET", ["lab", "leaks"]) => WriteAsync(context, Leaks(), ControlJson.Default.LeaksViewArray),
            ("POST", ["lab", "down"]) => DownAsync(context),
            _ => _cloud.HandleAsync(context),
        };
    }

    private async Task AddNodeAsync(HttpContext context)
    {
        var request = await ReadAsync(context, ControlJson.Default.NewNode);
        var groups = request.SecurityGroupIds ?? [.. lab.Cloud.Region.SecurityGroups.Take(1).Select(static g => g.Id)];
        var node = await lab.AddNodeAsync(
            new NodeConfig { Name = request.Name, InstanceType = request.InstanceType, VSwitchId = request.VSwitchId, SecurityGroupIds = [.. groups] },
            context.RequestAborted);
        await WriteAsync(context, ViewOf(node), ControlJson.Default.NodeView, 201);
    }

    private async Task DaemonAsync(HttpContext context, LabNode node)
    {
        var request = await ReadAsync(context, ControlJson.Default.DaemonRequest);
        TimeSpan? ready = null;
        switch (request.Action)
        {
            case "start":
                ready = await cluster.StartDaemonAsync(node, context.RequestAborted);
                break;
            case "stop":
                await cluster.Daemon(node).StopAsync(context.RequestAborted);
                break;
            case "kill":
                await cluster.Daemon(node).KillAsync(context.RequestAborted);
                break;
            default:
                throw new ArgumentException($"action '{request.Action}' is unknown; there are start, stop and kill");
        }

        await WriteAsync(context, new DaemonView(cluster.Daemon(node).Pid, ready?.TotalMilliseconds), ControlJson.Default.DaemonView);
    }

    private async Task AddPodAsync(HttpContext context)
    {
        var request = await ReadAsync(context, ControlJson.Default.NewPod);
        var pod = await cluster.AddPodAsync(lab.Node(request.Node), request.Name, context.RequestAborted);
        await WriteAsync(context, ViewOf(pod), ControlJson.Default.PodView, 201);
    }

    private async Task RemovePodAsync(HttpContext context, string name)
    {
        await cluster.RemovePodAsync(name, context.RequestAborted);
        context.Response.StatusCode = 204;
    }

    private async Task PingAsync(HttpContext context, LabPod pod)
    {
        var request = await ReadAsync(context, ControlJson.Default.PingRequest);
        var to = new IPEndPoint(Resolve(request.To), request.Port == 0 ? EchoServer.DefaultPort : request.Port);
        var timeout = TimeSpan.FromSeconds(request.TimeoutSeconds <= 0 ? 3 : request.TimeoutSeconds);
        var result = request.Udp
            ? await Probe.UdpAsync(lab.NodeOf(pod).Processes, pod.NetNs, to, timeout, ct: context.RequestAborted)
            : await Probe.TcpAsync(lab.NodeOf(pod).Processes, pod.NetNs, to, timeout, ct: context.RequestAborted);
        await WriteAsync(
            context, new PingView(result.Ok, result.Elapsed.TotalMilliseconds, result.SeenAs?.ToString(), result.Error), ControlJson.Default.PingView);
    }

    private async Task MatrixAsync(HttpContext context) =>
        await WriteAsync(context, await cluster.MatrixAsync(s_matrixTimeout, context.RequestAborted), ControlJson.Default.IReadOnlyListConnectivityCell);

    private Task ResetDropsAsync(HttpContext context)
    {
        lab.Vpc.ResetCounters();
        context.Response.StatusCode = 204;
        return Task.CompletedTask;
    }

    private Task DownAsync(HttpContext context)
    {
        context.Response.StatusCode = 202;
        context.Response.OnCompleted(() =>
        {
            shutDown();
            return Task.CompletedTask;
        });
        return Task.CompletedTask;
    }

    private DropsView Drops() => new(lab.Vpc.Drops(), lab.Vpc.Counters(), [.. lab.Vpc.LastDrops().Select(static drop => drop.ToString())]);

    private LeaksView[] Leaks() => [.. lab.Nodes.Select(node => new LeaksView(node.Name, [.. lab.LeaksOf(node).Select(static o => o.ToString())]))];

    private NodeView ViewOf(LabNode node) => new(
        node.Name,
        node.InstanceId,
        lab.Cloud.Region.FindInstance(node.InstanceId)?.Type.Id ?? "",
        node.PrimaryIp?.ToString(),
        node.NetNsPath,
        node.CgroupPath,
        cluster.Daemon(node).Pid,
        cluster.Daemon(node).LogFile,
        [.. cluster.Pods.Where(pod => pod.Node == node).Select(static pod => pod.Name)]);

    private static PodView ViewOf(ClusterPod pod) => new(
        pod.Name,
        pod.Sandbox.Identity.Namespace,
        pod.Node.Name,
        pod.Address.ToString(),
        pod.Sandbox.Identity.ContainerId,
        pod.Sandbox.NetNsPath,
        pod.Node.CgroupPath);

    /// <summary>An address, or the name of a pod, a node or "outside".</summary>
    private IPAddress Resolve(string target)
    {
        if (IPAddress.TryParse(target, out var address))
            return address;
        if (target == "outside")
            return Vpc.Infrastructure.OutsideHost;
        return cluster.Pods.FirstOrDefault(pod => pod.Name == target)?.Address
            ?? lab.Nodes.FirstOrDefault(node => node.Name == target)?.PrimaryIp
            ?? throw new KeyNotFoundException($"{target} is no address, pod or node");
    }

    private static async Task<T> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type) =>
        await JsonSerializer.DeserializeAsync(context.Request.Body, type, context.RequestAborted)
            ?? throw new ArgumentException("the request has no body");

    private static async Task WriteAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type, int status = 200)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(context.Response.Body, value, type, context.RequestAborted);
    }
}
