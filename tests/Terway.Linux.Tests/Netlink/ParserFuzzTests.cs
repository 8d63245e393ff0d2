using System.Buffers.Binary;
using CsCheck;
using Terway.Linux.Native;
using Terway.Linux.Netlink;

namespace Terway.Linux.Tests.Netlink;

/// <summary>Whatever bytes come, the parsers end and do not throw.</summary>
public sealed class ParserFuzzTests : RtnlTest
{
    private static readonly ushort[] s_types =
    [
        rtnetlink.RTM_NEWLINK, rtnetlink.RTM_NEWADDR, rtnetlink.RTM_DELROUTE, rtnetlink.RTM_NEWRULE, rtnetlink.RTM_NEWNEIGH,
        rtnetlink.RTM_NEWQDISC, rtnetlink.RTM_NEWTFILTER, netlink.NLMSG_ERROR, netlink.NLMSG_DONE, 0, 999,
    ];

    [Fact]
    public void Garbage_is_survived() =>
        Gen.Select(Gen.Byte.Array[0, 400], Gen.OneOf(s_types)).Sample(
            (bytes, type) =>
            {
                Read(bytes);
                Read(Message(type, netlink.NLM_F_MULTI, bytes));
                Read(Message(type, netlink.NLM_F_ACK_TLVS, bytes));
                Read(Message(type, netlink.NLM_F_ACK_TLVS | netlink.NLM_F_CAPPED, bytes));
            },
            iter: 20_000);

    [Fact]
    public void Real_messages_cut_or_changed_anywhere_are_survived()
    {
        var (link, _) = Veth(addressed: true);
        var messages = RealMessages(link);
        Gen.Select(Gen.OneOf(messages), Gen.Double.Unit, Gen.Select(Gen.Double.Unit, Gen.Byte).Array[0, 6]).Sample(
            (message, cut, changes) =>
            {
                var bytes = message[..(int)(message.Length * cut)];
                foreach (var (place, value) in changes)
                {
                    if (bytes.Length > 0)
                        bytes[(int)(place * (bytes.Length - 1))] = value;
                }

                Read(bytes);
                if (bytes.Length >= 16)
                {
                    // Also with a length that is true, so that the attributes are what is broken.
                    BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length);
                    Read(bytes);
                }
            },
            iter: 20_000);
    }

    [Fact]
    public void Lengths_that_cannot_be_true_end_the_walk()
    {
        foreach (var length in new uint[] { 0, 1, 15, 17, 0x7fffffff, 0x80000000, 0xffffffff })
        {
            var bytes = new byte[16];
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, length);
            var reader = new NetlinkReader(bytes);
            Assert.False(reader.TryNext(out _));
        }

        var attributes = new AttributeReader([0, 0, 1, 0, 8, 0, 2, 0, 1, 2, 3, 4]);
        Assert.False(attributes.TryNext(out _));
    }

    [Fact]
    public void Last_attribute_without_padding_is_read()
    {
        var attributes = new AttributeReader([5, 0, 3, 0, 42]);
        Assert.True(attributes.TryNext(out var attribute));
        Assert.Equal(42, attribute.U8);
        Assert.Equal(0u, attribute.U32);
        Assert.False(attributes.TryNext(out _));
    }

    private static byte[] Message(ushort type, int flags, byte[] payload)
    {
        var bytes = new byte[16 + payload.Length];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(4), type);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(6), (ushort)flags);
        payload.CopyTo(bytes, 16);
        return bytes;
    }

    private static void Read(byte[] bytes)
    {
        var reader = new NetlinkReader(bytes);
        var messages = 0;
        while (reader.TryNext(out var message))
        {
            Assert.True(++messages <= bytes.Length / 16);
            RtnlEventParser.Parse(message);
            ExtendedAck.Parse(message);
            OperationText.Describe(bytes, static _ => "x");
        }
    }

    private byte[][] RealMessages(int link)
    {
        using var socket = NetlinkSocket.Open(Box.Thread, NodeNs, netlink.NETLINK_ROUTE);
        List<byte[]> messages = [];
        var buffer = new byte[65536];
        using var writer = new NetlinkWriter();
        writer.Begin(rtnetlink.RTM_GETLINK, 0, new ifinfomsg { ifi_index = link });
        writer.End();
        socket.Send(writer.Written);
        messages.Add(buffer[..socket.Receive(buffer, wait: true)]);
        foreach (var type in new[] { rtnetlink.RTM_GETADDR, rtnetlink.RTM_GETROUTE, rtnetlink.RTM_GETRULE, rtnetlink.RTM_GETNEIGH, rtnetlink.RTM_GETQDISC })
        {
            writer.Clear();
            if (type == rtnetlink.RTM_GETADDR)
                writer.Begin(type, netlink.NLM_F_DUMP, default(ifaddrmsg));
            else if (type == rtnetlink.RTM_GETQDISC)
                writer.Begin(type, netlink.NLM_F_DUMP, default(tcmsg));
            else
                writer.Begin(type, netlink.NLM_F_DUMP, default(rtmsg));
            writer.End();
            socket.Send(writer.Written);
            for (var done = false; !done;)
            {
                var received = buffer[..socket.Receive(buffer, wait: true)];
                messages.Add(received);
                var reader = new NetlinkReader(received);
                while (reader.TryNext(out var message))
                    done |= message.Type is netlink.NLMSG_DONE or netlink.NLMSG_ERROR;
            }
        }

        Batch.Clear();
        Batch.VethAdd(new() { Link = new() { Name = "a" }, Peer = new() { Name = "b" } });
        Batch.TbfAdd(TbfSpec.FromLatency(1, 1000, 1000, TimeSpan.FromSeconds(1)));
        messages.Add(Batch.Message(0).ToArray());
        messages.Add(Batch.Message(1).ToArray());
        Assert.True(messages.Count >= 10);
        return [.. messages];
    }
}
