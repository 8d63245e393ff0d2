using System.Net;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.Host.State;
using Terway.Host.Tests.Fixtures;
using Terway.Plugin;

namespace Terway.Host.Tests.State;

public sealed class StateStoreTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private StateStore Open() => StateStore.Open(_folder["state.db"], TimeProvider.System, NullLogger.Instance);

    [Fact]
    public async Task Open_after_every_kind_of_write_gives_the_same_records()
    {
        var record = Samples.Record();
        var plain = record with { Attachment = record.Attachment with { Pod = record.Attachment.Pod with { ContainerId = "c2" }, Mtu = 0 }, NetNsInode = 0, Objects = [] };
        await using (var store = Open())
        {
            await store.WriteAsync(
                new StateWrite.PutAttachment(record, AttachmentPhase.Adding),
                new StateWrite.PutAttachment(plain, AttachmentPhase.Attached),
                new StateWrite.PutTombstone(new AttachmentKey("c9", "eth1"), Samples.Now),
                new StateWrite.PutReleased("10.0.0.9", Samples.Now),
                new StateWrite.PutNodeObjects("SharedEni", "eni-1", Samples.EveryKind()),
                new StateWrite.PutNodeObjects("DataPathV2", "pace", [new KernelObject.FairQueue("eth1")]),
                new StateWrite.PutPluginRecord("SharedEni", "eni/1", [1, 0, 255]),
                new StateWrite.PutFact("node", [7]));
            await store.WriteAsync(new StateWrite.SetPhase(record.Key, AttachmentPhase.Detaching));
        }

        await using var again = Open();
        var held = again.Initial.Attachments.ToDictionary(static a => a.Record.Key);
        Assert.Null(again.SetAside);
        Assert.Equal(AttachmentPhase.Detaching, held[record.Key].Phase);
        Assert.Equal(AttachmentPhase.Attached, held[plain.Key].Phase);
        Assert.Equal(Text(record), Text(held[record.Key].Record));
        Assert.Equal(record.Objects, held[record.Key].Record.Objects);
        Assert.Equal(Text(plain), Text(held[plain.Key].Record));
        Assert.Equal(Samples.Now, again.Initial.Tombstones[new AttachmentKey("c9", "eth1")]);
        Assert.Equal(Samples.Now, again.Initial.Released["10.0.0.9"]);
        Assert.Equal(Samples.EveryKind(), again.Initial.NodeObjects[("SharedEni", "eni-1")]);
        Assert.Equal([new KernelObject.FairQueue("eth1")], again.Initial.NodeObjects[("DataPathV2", "pace")]);
        Assert.Equal([1, 0, 255], again.Initial.PluginRecords[("SharedEni", "eni/1")]);
        Assert.Equal([7], again.Initial.Facts["node"]);
    }

    [Fact]
    public async Task Open_after_every_kind_of_delete_finds_nothing()
    {
        var record = Samples.Record();
        await using (var store = Open())
        {
            await store.WriteAsync(
                new StateWrite.PutAttachment(record, AttachmentPhase.Attached), new StateWrite.PutTombstone(record.Key, Samples.Now),
                new StateWrite.PutReleased("10.0.0.9", Samples.Now), new StateWrite.PutNodeObjects("P", "k", []),
                new StateWrite.PutPluginRecord("P", "k", [1]), new StateWrite.PutFact("f", [1]));
            await store.WriteAsync(
                new StateWrite.DeleteAttachment(record.Key), new StateWrite.DeleteTombstonesBefore(Samples.Now.AddSeconds(1)),
                new StateWrite.DeleteReleasedBefore(Samples.Now.AddSeconds(1)), new StateWrite.DeleteNodeObjects("P", "k"),
                new StateWrite.DeletePluginRecord("P", "k"), new StateWrite.DeleteFact("f"));
        }

        await using var again = Open();
        Assert.Empty(again.Initial.Attachments);
        Assert.Empty(again.Initial.Tombstones);
        Assert.Empty(again.Initial.Released);
        Assert.Empty(again.Initial.NodeObjects);
        Assert.Empty(again.Initial.PluginRecords);
        Assert.Empty(again.Initial.Facts);
    }

    [Fact]
    public void Facts_of_a_node_without_trunk_or_IPv6_can_be_read_back()
    {
        var facts = new NodeFacts
        {
            NodeName = "n",
            InstanceId = "i-1",
            InstanceType = "t",
            RegionId = "r",
            ZoneId = "z",
            VpcId = "v",
            VSwitchId = "s",
            PrimaryMac = "m",
            Addresses = [IPAddress.Parse("10.0.0.1")],
            EniQuantity = 2,
            EniTotalQuantity = 2,
            EniPrivateIpAddressQuantity = 6,
            EniIpv6AddressQuantity = 0,
            EniTrunkSupported = false,
        };
        var json = JsonSerializer.SerializeToUtf8Bytes(facts, StateJson.Default.NodeFacts);
        Assert.Equal(facts with { Addresses = [] }, JsonSerializer.Deserialize(json, StateJson.Default.NodeFacts)! with { Addresses = [] });
    }

    [Fact]
    public async Task Records_of_a_newer_daemon_with_unknown_members_are_read()
    {
        await using (var store = Open()) await store.WriteAsync(new StateWrite.PutAttachment(Samples.Record(), AttachmentPhase.Attached));
        Sql("UPDATE attachment SET body = CAST(json_set(CAST(body AS TEXT), '$.future', 1, '$.attachment.future', 'x') AS BLOB)");
        await using var again = Open();
        Assert.Equal(Text(Samples.Record()), Text(Assert.Single(again.Initial.Attachments).Record));
    }

    [Fact]
    public async Task Writes_that_wait_together_are_committed_in_their_order()
    {
        await using (var store = Open())
        {
            var writes = new List<Task>();
            for (var i = 0; i < 2000; i++) writes.Add(store.WriteAsync(new StateWrite.PutFact("same", BitConverter.GetBytes(i)), new StateWrite.PutFact($"f{i}", [1])));
            await Task.WhenAll(writes);
        }

        await using var again = Open();
        Assert.Equal(2001, again.Initial.Facts.Count);
        Assert.Equal(BitConverter.GetBytes(1999), again.Initial.Facts["same"]);
    }

    [Fact]
    public async Task A_write_that_fails_leaves_nothing_of_its_changes_and_the_next_one_succeeds()
    {
        await using (Open())
        {
        }

        Sql("CREATE TRIGGER t BEFORE INSERT ON fact WHEN NEW.key = 'bad' BEGIN SELECT RAISE(ABORT, 'refused by the test'); END");
        await using (var store = Open())
        {
            var e = await Assert.ThrowsAsync<StateException>(() => store.WriteAsync(new StateWrite.PutFact("before", [1]), new StateWrite.PutFact("bad", [1])));
            Assert.Contains("refused by the test", e.Message, StringComparison.Ordinal);
            await store.WriteAsync(new StateWrite.PutFact("after", [1]));
        }

        await using var again = Open();
        Assert.Equal(["after"], again.Initial.Facts.Keys);
    }

    [Fact]
    public async Task A_record_that_cannot_be_written_fails_its_own_caller_only()
    {
        await using var store = Open();
        var bad = Samples.Record() with { Attachment = Samples.Attachment() with { Allocation = Samples.Allocation() with { EniId = null! } } };
        var good = store.WriteAsync(new StateWrite.PutFact("a", [1]));
        await Assert.ThrowsAsync<StateException>(async () => await store.WriteAsync(new StateWrite.PutAttachment(bad, AttachmentPhase.Adding)));
        await Assert.ThrowsAsync<StateException>(async () => await store.WriteAsync(new StateWrite.PutTombstone(new AttachmentKey(null!, "eth0"), Samples.Now)));
        await good;
        await store.WriteAsync(new StateWrite.PutFact("b", [1]));
    }

    [Fact]
    public async Task Write_after_close_is_refused()
    {
        var store = Open();
        await store.DisposeAsync();
        await Assert.ThrowsAsync<StateException>(async () => await store.WriteAsync(new StateWrite.PutFact("a", [1])));
    }

    private static string Text(AttachmentRecord record) => JsonSerializer.Serialize(record, StateJson.Default.AttachmentRecord);

    private void Sql(string text)
    {
        using var connection = new SqliteConnection($"Data Source={_folder["state.db"]};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100
        command.CommandText = text;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
