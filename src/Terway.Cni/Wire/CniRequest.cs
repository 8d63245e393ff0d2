using System.Text.Json;

namespace Terway.Cni.Wire;

/// <summary>
/// One CNI call as the entrypoint received and validated it; the body of the request frame, and of a spooled DEL.
/// Unknown members are ignored by the reader, missing ones take their default, so that the two sides can be upgraded apart.
/// </summary>
/// <remarks>Settable and not init-only: the source-generated reader would give init-only members null for what is missing.</remarks>
internal sealed record CniRequest
{
    /// <summary>The value of <see cref="Protocol"/> that this source writes. Raised only when a reader must not go on as before.</summary>
    public const int CurrentProtocol = 1;

    /// <summary>Version of this schema; a reader refuses a value above its own <see cref="CurrentProtocol"/>.</summary>
    public int Protocol { get; set; } = CurrentProtocol;

    /// <summary>One of <see cref="CniVerb"/>. VERSION never reaches the daemon.</summary>
    public string Verb { get; set; } = "";

    /// <summary>CNI_CONTAINERID; empty for STATUS and GC.</summary>
    public string ContainerId { get; set; } = "";

    /// <summary>CNI_NETNS as given; may be empty or name something gone in a DEL, empty for STATUS and GC.</summary>
    public string NetNs { get; set; } = "";

    /// <summary>CNI_IFNAME; empty for STATUS and GC.</summary>
    public string IfName { get; set; } = "";

    /// <summary>CNI_ARGS, raw: "K=V;K=V". Empty when the caller gave none.</summary>
    public string Args { get; set; } = "";

    /// <summary>CNI_PATH, raw: folders separated by ':'.</summary>
    public string Path { get; set; } = "";

    /// <summary>The network configuration of stdin: always an object, kept whole (prevResult, runtimeConfig, unknown keys).</summary>
    public JsonElement Config { get; set; }

    /// <summary>
    /// When the entrypoint was started, in milliseconds of the system clock since 1970: tells an ADD that a DEL has overtaken from one that
    /// came after it. 0 when unknown.
    /// </summary>
    public long StartedAtMs { get; init; }

    /// <summary>
    /// Milliseconds that the entrypoint still waits for the answer, counted from sending. The daemon should give up, undo and answer before.
    /// 0 in a spooled request: nobody waits.
    /// </summary>
    public long DeadlineMs { get; set; }
}
