using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Terway.Plugins.SharedEni.Pool;

namespace Terway.Plugins.SharedEni.State;

/// <summary>The pool's records in the host's store: one for each ENI, one for each change of the cloud that is not known to be done.</summary>
internal sealed class PoolJournal(IPluginStore store, AddressPool pool, IReadOnlyList<IAddressFamily> families)
{
    private const string EniPrefix = "eni/";
    private const string IntentPrefix = "op/";

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
        lock (pool.Gate)
        {
            intents = [.. eni.Intents];
            changes = [new(EniPrefix + eni.Id, JsonSerializer.SerializeToUtf8Bytes(Snapshot(eni, state), StateJson.Default.EniRecord))];
            changes.AddRange(intents.Select(key => new KeyValuePair<string, byte[]?>(key, null)));
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
            }

            throw;
        }

        lock (pool.Gate)
        {
            eni.Intents.RemoveAll(intents.Contains);
        }
    }

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
            records[f] = new(
                families[f].Family.ToString(),
                subnet?.Network.ToString(),
                subnet?.Gateway.ToString(),
                addresses.FirstOrDefault(a => a.Primary)?.Ip.ToString(),
                [.. addresses.Select(a => a.Ip.ToString())],
                Leaving(addresses));
        }

        return new() { Id = eni.Id, Mac = eni.Mac, VSwitch = eni.VSwitchId, Owned = eni.Owned, State = state, Families = records };
    }

    private static string[]? Leaving(PoolAddress[] addresses)
    {
        var leaving = addresses.Where(a => a.State == AddressState.Leaving).Select(a => a.Ip.ToString()).ToArray();
        return leaving.Length > 0 ? leaving : null;
    }

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
