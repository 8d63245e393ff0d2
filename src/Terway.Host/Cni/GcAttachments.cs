using System.Text.Json;
using Terway.Cni.Wire;
using Terway.Host.State;

namespace Terway.Host.Cni;

/// <summary>What GC may keep: key <c>cni.dev/valid-attachments</c> (CNI specification 1.1.0, section "GC").</summary>
internal static class GcAttachments
{
    private const string Key = "cni.dev/valid-attachments";

    /// <exception cref="CniException">The key is missing or malformed. Taking that for an empty list would cut off every pod of the node.</exception>
    public static HashSet<AttachmentKey> Parse(JsonElement config)
    {
        if (config.ValueKind != JsonValueKind.Object)
        {
            throw new CniException(CniErrorCode.DecodingFailure, "the network configuration is no JSON object; nothing was removed");
        }

        if (config.TryGetProperty(Key, out var list) && list.ValueKind == JsonValueKind.Null)
        {
            // Go writes an empty list this way: the runtime has no sandboxes.
            return [];
        }

        if (list.ValueKind != JsonValueKind.Array)
        {
            throw new CniException(CniErrorCode.InvalidNetworkConfig, $"GC needs {Key} as a list; nothing was removed");
        }

        var valid = new HashSet<AttachmentKey>();
        foreach (var element in list.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Object
                || !element.TryGetProperty("containerID", out var container) || container.ValueKind != JsonValueKind.String
                || !element.TryGetProperty("ifname", out var ifName) || ifName.ValueKind != JsonValueKind.String)
            {
                throw new CniException(
                    CniErrorCode.InvalidNetworkConfig, $"an element of {Key} lacks containerID or ifname; nothing was removed");
            }

            valid.Add(new AttachmentKey(container.GetString()!, ifName.GetString()!));
        }

        return valid;
    }
}
