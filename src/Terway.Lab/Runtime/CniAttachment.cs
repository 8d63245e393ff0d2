using System.Text.Json.Nodes;
using Terway.Lab.Nodes;

namespace Terway.Lab.Runtime;

/// <summary>One interface of one pod, as a runtime names it in every call.</summary>
public sealed record CniAttachment(PodIdentity Pod, string NetNsPath, string IfName = "eth0")
{
    /// <summary>Values by capability (bandwidth, portMappings ...), given to plugins that declare it.</summary>
    public JsonObject? CapabilityArgs { get; init; }

    /// <summary>K8S_* as containerd and CRI-O write them.</summary>
    public string Args =>
        $"IgnoreUnknown=1;K8S_POD_NAMESPACE={Pod.Namespace};K8S_POD_NAME={Pod.Name};K8S_POD_INFRA_CONTAINER_ID={Pod.ContainerId};K8S_POD_UID={Pod.Uid}";
}
