using System.Collections.Immutable;
using System.Net;

namespace Terway.Lab.Cloud;

public sealed partial class Region
{
    /// <summary>Adds IPv4 addresses or prefixes; returns once the data plane accepts them as sources.</summary>
    public async Task<AssignedAddresses> AssignIpv4Async(string eniId, AddressRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        Eni eni;
        (ImmutableArray<IPAddress> Addresses, ImmutableArray<IPNetwork> Prefixes) taken;
        lock (_lock)
        {
            eni = FindForAddresses(eniId);
            var slots = request.Count + request.Addresses.Length + request.PrefixCount;
            var limit = Faults.AddressesOf(
                eni.Id, eni.Instance?.Id, eni.Instance?.Type.EniPrivateIpAddressQuantity ?? _config.Quotas.PrivateIpsPerDetachedEni);
            if (eni.Ipv4Slots + slots > limit)
                throw CloudErrors.Ipv4Count(eniId, limit);
            var addresses = request.Count + request.Addresses.Length + (request.PrefixCount * Ipv4Pool.PrefixSize);
            foreach (var id in eni.SecurityGroupIds)
                CheckGroupRoom(_groups[id], addresses);
            CheckVpcRoom(addresses);
            CheckNamed(eni.VSwitch, request.Addresses);
            taken = TakeIpv4(eni.VSwitch, request.Addresses, request.Count, request.PrefixCount);
            eni.SecondaryIps = eni.SecondaryIps.AddRange(taken.Addresses);
            eni.Ipv4Prefixes = eni.Ipv4Prefixes.AddRange(taken.Prefixes);
            Begin(eni);
        }
        await FinishAsync(eni);
        return new AssignedAddresses(eniId, taken.Addresses, taken.Prefixes);
    }

    /// <summary>Takes secondary addresses or prefixes away, all or none. They are free again once the data plane refuses them.</summary>
    public async Task UnassignIpv4Async(string eniId, ImmutableArray<IPAddress> addresses, ImmutableArray<IPNetwork> prefixes)
    {
        Eni eni;
        lock (_lock)
        {
            eni = FindForAddresses(eniId);
            CheckOwned(eni.Id, addresses, eni.SecondaryIps);
            CheckOwned(eni.Id, prefixes, eni.Ipv4Prefixes);
            eni.SecondaryIps = eni.SecondaryIps.RemoveRange(addresses);
            eni.Ipv4Prefixes = eni.Ipv4Prefixes.RemoveRange(prefixes);
            Begin(eni);
        }
        await FinishAsync(eni);
        lock (_lock)
        {
            foreach (var ip in addresses)
                eni.VSwitch.Ipv4.Release(ip);
            foreach (var prefix in prefixes)
                eni.VSwitch.Ipv4.Release(prefix);
        }
    }

    /// <summary>As <see cref="AssignIpv4Async"/>, for IPv6.</summary>
    public async Task<AssignedAddresses> AssignIpv6Async(string eniId, AddressRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        Eni eni;
        ImmutableArray<IPAddress> addresses;
        ImmutableArray<IPNetwork> prefixes;
        lock (_lock)
        {
            eni = FindForAddresses(eniId);
            var limit = eni.Instance?.Type.EniIpv6AddressQuantity ?? _config.Quotas.PrivateIpsPerDetachedEni;
            var more = request.Count + request.Addresses.Length + request.PrefixCount;
            CheckIpv6Room(eni.VSwitch, eniId, eni.Ipv6Slots + more, limit);
            addresses = TakeIpv6(eni.VSwitch, request);
            prefixes = TakeIpv6Prefixes(eni.VSwitch, request.PrefixCount);
            eni.Ipv6Addresses = eni.Ipv6Addresses.AddRange(addresses);
            eni.Ipv6Prefixes = eni.Ipv6Prefixes.AddRange(prefixes);
            Begin(eni);
        }
        await FinishAsync(eni);
        return new AssignedAddresses(eniId, addresses, prefixes);
    }

    /// <summary>As <see cref="UnassignIpv4Async"/>, for IPv6.</summary>
    public async Task UnassignIpv6Async(string eniId, ImmutableArray<IPAddress> addresses, ImmutableArray<IPNetwork> prefixes)
    {
        Eni eni;
        lock (_lock)
        {
            eni = FindForAddresses(eniId);
            CheckOwned(eni.Id, addresses, eni.Ipv6Addresses);
            CheckOwned(eni.Id, prefixes, eni.Ipv6Prefixes);
            eni.Ipv6Addresses = eni.Ipv6Addresses.RemoveRange(addresses);
            eni.Ipv6Prefixes = eni.Ipv6Prefixes.RemoveRange(prefixes);
            Begin(eni);
        }
        await FinishAsync(eni);
        lock (_lock)
        {
            foreach (var ip in addresses)
                eni.VSwitch.Ipv6!.Release(ip);
            foreach (var prefix in prefixes)
                eni.VSwitch.Ipv6!.Release(prefix);
        }
    }

    private Eni FindForAddresses(string eniId)
    {
        var eni = Find(eniId);
        if (eni.Status is not (EniStatus.Available or EniStatus.InUse))
            throw CloudErrors.InvalidEniState(eniId, eni.Status, "Available or InUse");
        if (eni.Busy)
            throw CloudErrors.Conflict(eniId);
        return eni;
    }

    private void Begin(Eni eni)
    {
        eni.Busy = true;
        Changed(eni);
    }

    private async Task FinishAsync(Eni eni)
    {
        try
        {
            await UpdateFabricAsync(eni);
        }
        finally
        {
            lock (_lock)
                eni.Busy = false;
        }
    }

    /// <summary>Brings the data plane of a plugged ENI to the newest state; not cut short by a caller who gave up.</summary>
    private async Task UpdateFabricAsync(Eni eni)
    {
        try
        {
            await eni.Fabric.Add(async () =>
            {
                EniSnapshot snapshot;
                lock (_lock)
                {
                    if (eni.Status != EniStatus.InUse)
                        return;
                    snapshot = eni.Snapshot();
                }
                await _fabric.UpdateEniAsync(snapshot, _stopping.Token);
            });
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Note($"update of {eni.Id} failed in the data plane: {e.Message}");
            throw new CloudException(500, "InternalError", $"The data plane refused the update of \"{eni.Id}\": {e.Message}");
        }
    }

    private (ImmutableArray<IPAddress> Addresses, ImmutableArray<IPNetwork> Prefixes) TakeIpv4(
        VSwitch vSwitch, ImmutableArray<IPAddress> named, int count, int prefixCount)
    {
        var pool = vSwitch.Ipv4;
        if (Faults.ExhaustsVSwitch(vSwitch.Id) || pool.Available < named.Length + count + (prefixCount * Ipv4Pool.PrefixSize))
            throw CloudErrors.IpNotEnough(vSwitch.Id);
        // The free addresses picked come last: a fragmented vSwitch may lack a prefix although enough single ones are left.
        var prefixes = ImmutableArray.CreateBuilder<IPNetwork>();
        var addresses = ImmutableArray.CreateBuilder<IPAddress>();
        foreach (var ip in named)
        {
            if (!pool.TryTake(ip))
                throw new InvalidOperationException($"{ip} was checked to be free but is not");
            addresses.Add(ip);
        }
        for (var i = 0; i < prefixCount; i++)
        {
            if (!pool.TryTakePrefix(out var prefix))
            {
                foreach (var taken in prefixes)
                    pool.Release(taken);
                foreach (var taken in addresses)
                    pool.Release(taken);
                throw CloudErrors.IpNotEnough(vSwitch.Id);
            }
            prefixes.Add(prefix);
        }
        for (var i = 0; i < count; i++)
        {
            if (!pool.TryTake(out var ip))
                throw new InvalidOperationException($"vSwitch {vSwitch.Id} ran out of addresses although they were counted");
            addresses.Add(ip);
        }
        return (addresses.ToImmutable(), prefixes.ToImmutable());
    }

    private static ImmutableArray<IPAddress> TakeIpv6(VSwitch vSwitch, AddressRequest request)
    {
        var taken = ImmutableArray.CreateBuilder<IPAddress>();
        foreach (var ip in request.Addresses)
        {
            if (!vSwitch.Ipv6!.TryTake(ip))
            {
                foreach (var undo in taken)
                    vSwitch.Ipv6.Release(undo);
                throw taken.Contains(ip) ? CloudErrors.IpRepeated(ip.ToString())
                    : vSwitch.Ipv6.IsAssignable(ip) ? CloudErrors.IpAssigned(ip.ToString())
                    : CloudErrors.IpInvalid(ip.ToString(), vSwitch.Id);
            }
            taken.Add(ip);
        }
        for (var i = 0; i < request.Count; i++)
            taken.Add(vSwitch.Ipv6!.Take());
        return taken.ToImmutable();
    }

    private static ImmutableArray<IPNetwork> TakeIpv6Prefixes(VSwitch vSwitch, int count)
    {
        var taken = ImmutableArray.CreateBuilder<IPNetwork>();
        for (var i = 0; i < count; i++)
        {
            if (!vSwitch.Ipv6!.TryTakePrefix(out var prefix))
            {
                foreach (var undo in taken)
                    vSwitch.Ipv6.Release(undo);
                throw CloudErrors.IpNotEnough(vSwitch.Id);
            }
            taken.Add(prefix);
        }
        return taken.ToImmutable();
    }

    private static void CheckOwned<T>(string eniId, ImmutableArray<T> items, ImmutableArray<T> owned) where T : notnull
    {
        for (var i = 0; i < items.Length; i++)
        {
            if (items.IndexOf(items[i], 0, i) >= 0)
                throw CloudErrors.IpRepeated(items[i].ToString()!);
            if (!owned.Contains(items[i]))
                throw CloudErrors.IpUnassigned(items[i].ToString()!, eniId);
        }
    }
}
