using System.Buffers.Binary;
using Terway.Linux.Native;

namespace Terway.Linux.Netlink;

/// <summary>What an NLMSG_ERROR (or the end of a dump) says.</summary>
internal static class ExtendedAck
{
    private const int HeaderSize = 16;

    /// <summary>The errno, 0 for success, and the kernel's message.</summary>
    public static (int Errno, string? Message) Parse(in NetlinkMessage message)
    {
        if (!BinaryPrimitives.TryReadInt32LittleEndian(message.Payload, out var error))
            return (0, null);
        if (!message.Has(netlink.NLM_F_ACK_TLVS))
            return (-error, null);

        // NLMSG_ERROR repeats the request: its header alone when capped, else all of it.
        var offset = 4;
        if (message.Type == netlink.NLMSG_ERROR)
        {
            if (message.Payload.Length < 4 + HeaderSize)
                return (-error, null);
            var original = BinaryPrimitives.ReadUInt32LittleEndian(message.Payload[4..]);
            offset += message.Has(netlink.NLM_F_CAPPED) ? HeaderSize : NetlinkWriter.Align((int)Math.Min(original, (uint)message.Payload.Length));
        }

        if (offset > message.Payload.Length)
            return (-error, null);
        string? text = null;
        var attributes = new AttributeReader(message.Payload[offset..]);
        while (attributes.TryNext(out var attribute))
        {
            if (attribute.Type == netlink.NLMSGERR_ATTR_MSG)
                text = attribute.Text;
        }

        return (-error, text);
    }
}
