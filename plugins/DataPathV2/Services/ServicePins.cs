using System.Globalization;
using Terway.Linux.Bpf;
using Terway.Plugins.DataPathV2.Abi;

namespace Terway.Plugins.DataPathV2.Services;

/// <summary>Where the hooks' maps, programs and links are pinned: in a folder of this layout's version, under the names of the C source.</summary>
internal static class ServicePins
{
    public const string Frontends = "svc_frontends";
    public const string Slots = "svc_slots";
    public const string Members = "svc_members";
    public const string Choices = "svc_choices";
    public const string Peers = "svc_peers";
    public const string Outcomes = "svc_outcomes";

    private const string LinkSuffix = "_link";

    private const int Layouts = 32;

    public static string Folder { get; } = FolderOf(SvcLimits.Abi);

    /// <summary>Those of every layout that was or may come; each is also the key under which the host keeps it.</summary>
    public static IReadOnlyList<string> Folders { get; } = [.. Enumerable.Range(1, Layouts).Select(FolderOf)];

    /// <summary>
    /// Programs and where they hook in, in the order in which they are attached: who is sent elsewhere must be told the name that it knows when it asks.
    /// </summary>
    public static IReadOnlyList<(string Program, BpfAttachType Hook)> Hooks { get; } =
    [
        ("svc_getpeername4", BpfAttachType.CgroupInet4GetPeerName),
        ("svc_getpeername6", BpfAttachType.CgroupInet6GetPeerName),
        ("svc_recvmsg4", BpfAttachType.CgroupUdp4RecvMsg),
        ("svc_recvmsg6", BpfAttachType.CgroupUdp6RecvMsg),
        ("svc_sendmsg4", BpfAttachType.CgroupUdp4SendMsg),
        ("svc_sendmsg6", BpfAttachType.CgroupUdp6SendMsg),
        ("svc_connect4", BpfAttachType.CgroupInet4Connect),
        ("svc_connect6", BpfAttachType.CgroupInet6Connect),
    ];

    public static IReadOnlyList<string> Programs { get; } = [.. Hooks.Select(static h => h.Program)];

    // The bpf file system takes no dots in names.
    private static string FolderOf(int version) => string.Create(CultureInfo.InvariantCulture, $"services-v{version}");

    public static string LinkOf(string program) => program + LinkSuffix;
}
