using System.Net;
using Terway.EniPool.Pool;

namespace Terway.EniPool.State;

/// <summary>Brings an ENI's record back to memory.</summary>
internal static class RecordReader
{
    /// <summary>The ENI, not yet in the pool; caller holds the pool's lock and adds it.</summary>
    /// <param name="record">What was on disk.</param>
    /// <param name="pool">The pool.</param>
    /// <param name="families">Active families; a record that lacks one has to be completed from the cloud.</param>
    /// <exception cref="FormatException">An address in it is none.</exception>
    public static PoolEni Read(EniRecord record, AddressPool pool, IReadOnlyList<IAddressFamily> families)
    {
        var eni = new PoolEni(record.Id, record.Mac, record.VSwitch, record.Owned, families.Count) { Saved = true };
        var subnets = new List<EniSubnet>();
        for (var f = 0; f < families.Count; f++)
        {
            var family = record.Families.FirstOrDefault(r => r.Family == families[f].Family.ToString());
            if (family is null)
            {
                continue;
            }

            if (family is { Subnet: { } subnet, Gateway: { } gateway })
            {
                subnets.Add(new(IPNetwork.Parse(subnet), IPAddress.Parse(gateway)));
            }

            if (pool.Capacity.UsesPrefixes)
            {
                ReadPrefixes(pool, eni, f, family);
            }
            else
            {
                ReadAddresses(pool, eni, f, family);
            }

            if (eni.Others[f].Count > 0)
            {
                eni.Hold = EniHold.OtherKind;
            }
        }

        if (record is { Tables: { } tables, Boot: { } boot } && boot == BootId.Current)
        {
            eni.Tables.AddRange(tables);
        }

        if (record.Excluded == true)
        {
            eni.Hold = EniHold.Excluded;
        }

        var complete = subnets.Count == families.Count;
        eni.Subnets = complete ? subnets : [];
        eni.State = record.State switch
        {
            EniRecord.Deleting => EniState.Deleting,
            EniRecord.InUse when complete => EniState.Starting,
            _ => EniState.Attaching,
        };
        return eni;
    }

    private static void ReadAddresses(AddressPool pool, PoolEni eni, int family, EniFamilyRecord record)
    {
        foreach (var text in record.Addresses)
        {
            pool.AddAddress(eni, IPAddress.Parse(text), family, text == record.Primary, StateOf(record, text));
        }

        eni.Others[family] = record.Prefixes ?? [];
    }

    private static void ReadPrefixes(AddressPool pool, PoolEni eni, int family, EniFamilyRecord record)
    {
        foreach (var text in record.Prefixes ?? [])
        {
            pool.AddPrefix(eni, IPNetwork.Parse(text), family, StateOf(record, text));
        }

        eni.Others[family] = [.. record.Addresses.Where(a => a != record.Primary)];
    }

    private static AddressState StateOf(EniFamilyRecord record, string text) =>
        record.Leaving?.Contains(text) == true ? AddressState.Leaving : AddressState.Idle;
}
