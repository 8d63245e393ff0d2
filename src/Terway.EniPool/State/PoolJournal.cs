using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Terway.EniPool.Pool;

namespace Terway.EniPool.State;

/// <summary>The pool's records in the host's store: one for each ENI, one for each change of the cloud that is not known to be done.</summary>
internal sealed class PoolJournal(IPluginStore store, AddressPool pool, IReadOnlyList<IAddressFamily> families)
{
    private const string EniPrefix = "eni/";
    private const string IntentPrefix = "op/";
    private const string WarmUpKey = "warm-up";
    private const string ActivityKey = "activity";

    public static string IntentKey(string token) => IntentPrefix + token;

    /// <summary>Reads everything; what cannot be understood is named and left out, for the cloud knows it as well.</summary>
    public (IReadOnlyList<EniRecord> Enis, IReadOnlyList<IntentRecord> Intents, IReadOnlyList<string> Damaged) Load()
    {
        var damaged = new List<string>();
        return (Read(EniPrefix, StateJson.Default.EniRecord, damaged), Read(IntentPrefix, StateJson.Default.IntentRecord, damaged), damaged);
    }

    public Task WriteIntentAsync(IntentRecord intent, CancellationToken cancellationToken) =>
        store.WriteAsync(
            [new(IntentKey(intent.Token), JsonSerializer.SerializeToUtf8Bytes(intent, StateJson.Default.IntentRecord))], cancellationToken);

    public Task RemoveIntentAsync(string token, CancellationToken cancellationToken) =>
        store.WriteAsync([new(IntentKey(token), null)], cancellationToken);

    public Task DropAsync(IEnumerable<string> keys, CancellationToken cancellationToken) =>
        store.WriteAsync([.. keys.Select(k => new KeyValuePair<string, byte[]?>(k, null))], cancellationToken);

    /// <summary>Writes an ENI as it is in memory, and drops its intents with the same stroke.</summary>
    public async Task SaveAsync(PoolEni eni, string state, CancellationToken cancellationToken)
    {
        List<KeyValuePair<string, byte[]?>> changes;
        string[] intents;
        bool warmUp;
        lock (pool.Gate)
        {
            intents = [.. eni.Intents];
            changes = [new(EniPrefix + eni.Id, JsonSerializer.SerializeToUtf8Bytes(Snapshot(eni, state), StateJson.Default.EniRecord))];
            changes.AddRange(intents.Select(key => new KeyValuePair<string, byte[]?>(key, null)));
            if (warmUp = pool.WarmUp.Changed)
            {
                // With the addresses that count for it: a crash in between would obtain them again.
                pool.WarmUp.Changed = false;
                changes.Add(new(WarmUpKey, JsonSerializer.SerializeToUtf8Bytes(
                    new WarmUpRecord(pool.WarmUp.Obtained, pool.WarmUp.IsDone), StateJson.Default.WarmUpRecord)));
            }

            eni.Saved = true;
        }

        try
        {
            await store.WriteAsync(changes, cancellationToken);
        }
        catch
        {
            lock (pool.Gate)
            {
                eni.Saved = false;
                pool.WarmUp.Changed |= warmUp;
            }

            throw;
        }

        lock (pool.Gate)
        {
            eni.Intents.RemoveAll(intents.Contains);
        }
    }

    /// <summary>Writes down when a pod came last.</summary>
    public Task WriteActivityAsync(DateTimeOffset lastAllocation, CancellationToken cancellationToken) =>
        store.WriteAsync(
            [new(ActivityKey, JsonSerializer.SerializeToUtf8Bytes(new ActivityRecord(lastAllocation), StateJson.Default.ActivityRecord))], cancellationToken);

    /// <summary>What was written about the node as a whole; null where nothing was.</summary>
    public (WarmUpRecord? WarmUp, ActivityRecord? Activity) LoadNode(List<string> damaged) =>
        (Read(WarmUpKey, StateJson.Default.WarmUpRecord, damaged).FirstOrDefault(),
            Read(ActivityKey, StateJson.Default.ActivityRecord, damaged).FirstOrDefault());

    public async Task ForgetAsync(PoolEni eni, CancellationToken cancellationToken)
    {
        string[] intents;
        lock (pool.Gate)
        {
            intents = [.. eni.Intents];
        }

        await DropAsync([EniPrefix + eni.Id, .. intents], cancellationToken);
    }

    private EniRecord Snapshot(PoolEni eni, string state)
    {
        var records = new EniFamilyRecord[families.Count];
        for (var f = 0; f < records.Length; f++)
        {
            var subnet = f < eni.Subnets.Count ? eni.Subnets[f] : null;
            var addresses = eni.Addresses.Where(a => a.Family == f && !a.Missing).ToArray();
            var prefixes = eni.Prefixes.Where(p => p.Family == f).ToArray();
            string[] singles = [.. prefixes.Length == 0 ? addresses.Select(a => a.Ip.ToString()) : []];
            string[] networks = [.. prefixes.Select(p => p.Network.ToString())];
            records[f] = new(
                families[f].Family.ToString(),
                subnet?.Network.ToString(),
                subnet?.Gateway.ToString(),
                addresses.FirstOrDefault(a => a.Primary)?.Ip.ToString(),
                pool.Capacity.UsesPrefixes ? eni.Others[f] : singles,
                NullIfNone(prefixes.Length == 0
                    ? addresses.Where(a => a.State == AddressState.Leaving).Select(a => a.Ip.ToString())
                    : prefixes.Where(p => p.All(AddressState.Leaving)).Select(p => p.Network.ToString())),
                NullIfNone(pool.Capacity.UsesPrefixes ? networks : eni.Others[f]));
        }

        return new()
        {
            Id = eni.Id,
            Mac = eni.Mac,
            VSwitch = eni.VSwitchId,
            Owned = eni.Owned,
            State = state,
            Excluded = eni.Hold == EniHold.Excluded ? true : null,
            Tables = eni.Tables.Count > 0 ? [.. eni.Tables] : null,
            Boot = eni.Tables.Count > 0 ? BootId.Current : null,
            Families = records,
        };
    }

    private static string[]? NullIfNone(IEnumerable<string> texts) => texts.ToArray() is { Length: > 0 } some ? some : null;

    private List<T> Read<T>(string prefix, JsonTypeInfo<T> type, List<string> damaged)
    {
        var result = new List<T>();
        foreach (var (key, value) in store.Load(prefix).OrderBy(e => e.Key, StringComparer.Ordinal))
        {
            try
            {
                result.Add(JsonSerializer.Deserialize(value, type) ?? throw new JsonException("null"));
            }
            catch (JsonException)
            {
                damaged.Add(key);
            }
        }

        return result;
    }
}
