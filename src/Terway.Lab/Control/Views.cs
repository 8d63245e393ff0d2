using System.Text.Json.Serialization;
using Terway.Lab.Probing;

namespace Terway.Lab.Control;

internal sealed record NodeView(string Name, string InstanceId, string InstanceType, string? PrimaryIp, string Netns, string? Cgroup, int? Daemon, string Log, string[] Pods);

internal sealed record NewNode(string Name, string InstanceType, string VSwitchId, string[]? SecurityGroupIds);

internal sealed record DaemonRequest(string Action);

internal sealed record DaemonView(int? Pid, double? ReadyMs);

internal sealed record PodView(string Name, string Namespace, string Node, string Address, string ContainerId, string Netns, string? Cgroup);

internal sealed record NewPod(string Node, string Name);

internal sealed record PingRequest(string To, int Port, bool Udp, double TimeoutSeconds);

internal sealed record PingView(bool Ok, double Ms, string? SeenAs, string? Error);

internal sealed record DropsView(IReadOnlyDictionary<string, long> Drops, IReadOnlyDictionary<string, long> Counters, string[] Last);

internal sealed record LeaksView(string Node, string[] Objects);

internal sealed record ErrorView(string Error);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(NodeView[]))]
[JsonSerializable(typeof(NodeView))]
[JsonSerializable(typeof(NewNode))]
[JsonSerializable(typeof(DaemonRequest))]
[JsonSerializable(typeof(DaemonView))]
[JsonSerializable(typeof(PodView[]))]
[JsonSerializable(typeof(PodView))]
[JsonSerializable(typeof(NewPod))]
[JsonSerializable(typeof(PingRequest))]
[JsonSerializable(typeof(PingView))]
[JsonSerializable(typeof(DropsView))]
[JsonSerializable(typeof(LeaksView[]))]
[JsonSerializable(typeof(ErrorView))]
[JsonSerializable(typeof(IReadOnlyList<ConnectivityCell>))]
[JsonSerializable(typeof(ConnectivityCell[]))]
internal sealed partial class ControlJson : JsonSerializerContext;
