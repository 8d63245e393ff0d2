using System.Collections.Immutable;
using System.Net;

namespace Terway.Lab.Cloud;

public sealed partial class Region
{
    /// <summary>Creates an ENI; it is Available at once.</summary>
    public EniSnapshot CreateEni(CreateEniRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        lock (_lock)
        {
            var owned = _enis.Values.Count(static e => e.Type != EniType.Primary);
            if (owned >= _config.Quotas.Enis)
                throw CloudErrors.EniQuota(_config.Quotas.Enis);
            return Create(request).Snapshot();
        }
    }

    /// <summary>Starts to delete an Available ENI. Its addresses are free again once it is gone.</summary>
    public void DeleteEni(string eniId)
    {
        Eni eni;
        lock (_lock)
        {
            eni = Find(eniId);
            if (eni.Status != EniStatus.Available)
                throw CloudErrors.InvalidEniState(eniId, eni.Status, "Available");
            if (eni.Busy)
                throw CloudErrors.Conflict(eniId);
            eni.Status = EniStatus.Deleting;
            Changed(eni);
        }
        Later(eni, _config.Delays.Delete, "delete", async ct =>
        {
            await _fabric.RemoveEniAsync(eni.Id, ct);
            lock (_lock)
                Forget(eni);
        });
    }

    /// <summary>ENIs that match, in the order of creation.</summary>
    /// <param name="after">Sequence number to go on from: 0, or what the last page returned.</param>
    /// <param name="asOf">The instant whose state is shown; null: now.</param>
    /// <returns>The page, the number to go on from (0: no more) and the number of all matches.</returns>
    public (ImmutableArray<EniSnapshot> Enis, long Next, int Total) DescribeEnis(EniFilter filter, long after, int limit, DateTimeOffset? asOf = null)
    {
        ArgumentNullException.ThrowIfNull(filter);
        lock (_lock)
        {
            if (asOf is { } past)
                return DescribePast(filter, past, after, limit);
            var matches = _enis.Values.Where(filter.Matches).OrderBy(static e => e.Sequence).ToList();
            var rest = matches.Where(e => e.Sequence > after).ToList();
            var page = rest.Count > limit ? rest[..limit] : rest;
            var next = rest.Count > limit ? page[^1].Sequence : 0;
            return ([.. page.Select(static e => e.Snapshot())], next, matches.Count);
        }
    }

    /// <summary>Replaces the security groups of an ENI.</summary>
    public async Task SetEniSecurityGroupsAsync(string eniId, ImmutableArray<string> groupIds)
    {
        Eni eni;
        lock (_lock)
        {
            eni = Find(eniId);
            if (eni.Status is not (EniStatus.Available or EniStatus.InUse))
                throw CloudErrors.InvalidEniState(eniId, eni.Status, "Available or InUse");
            if (eni.Type == EniType.Primary)
                throw CloudErrors.InvalidEniType(eniId, eni.Type);
            CheckGroups(groupIds);
            foreach (var id in groupIds.Except(eni.SecurityGroupIds))
                CheckGroupRoom(_groups[id], eni.Ipv4Count);
            eni.SecurityGroupIds = groupIds;
            Changed(eni);
        }
        await UpdateFabricAsync(eni);
    }

    /// <summary>Replaces the tags of an ENI.</summary>
    public void SetEniTags(string eniId, ImmutableSortedDictionary<string, string> tags)
    {
        lock (_lock)
        {
            var eni = Find(eniId);
            eni.Request = eni.Request with { Tags = tags };
            Changed(eni);
        }
    }

    /// <summary>Under the lock. Takes the addresses, or nothing at all.</summary>
    private Eni Create(CreateEniRequest request)
    {
        var vSwitch = FindVSwitch(request.VSwitchId);
        CheckGroups(request.SecurityGroupIds);
        var singles = 1 + request.SecondaryIpCount + request.SecondaryIps.Length;
        var addresses = singles + (request.Ipv4PrefixCount * Ipv4Pool.PrefixSize);
        foreach (var id in request.SecurityGroupIds)
            CheckGroupRoom(_groups[id], addresses);
        CheckVpcRoom(addresses);
        if (singles + request.Ipv4PrefixCount > _config.Quotas.PrivateIpsPerDetachedEni)
            throw CloudErrors.Ipv4Count("(new)", _config.Quotas.PrivateIpsPerDetachedEni);
        CheckIpv6Room(vSwitch, "(new)", request.Ipv6AddressCount + request.Ipv6PrefixCount, _config.Quotas.PrivateIpsPerDetachedEni);
        CheckNamed(vSwitch, request.PrimaryIp is null ? request.SecondaryIps : [request.PrimaryIp, .. request.SecondaryIps]);

        var ipv6Prefixes = TakeIpv6Prefixes(vSwitch, request.Ipv6PrefixCount);
        (ImmutableArray<IPAddress> Addresses, ImmutableArray<IPNetwork> Prefixes) taken;
        try
        {
            taken = TakeIpv4(
                vSwitch,
                request.PrimaryIp is null ? request.SecondaryIps : [request.PrimaryIp, .. request.SecondaryIps],
                request.SecondaryIpCount + (request.PrimaryIp is null ? 1 : 0),
                request.Ipv4PrefixCount);
        }
        catch
        {
            foreach (var prefix in ipv6Prefixes)
                vSwitch.Ipv6!.Release(prefix);
            throw;
        }
        // Named ones come first in what was taken; without a named primary address it is the first of the others.
        var primary = request.PrimaryIp ?? taken.Addresses[request.SecondaryIps.Length];
        var sequence = ++_sequence;
        var eni = new Eni
        {
            Id = _ids.Next("eni"),
            Mac = _ids.NextMac(),
            Type = request.Type,
            Sequence = sequence,
            VSwitch = vSwitch,
            PrimaryIp = primary,
            CreationTime = _time.GetUtcNow(),
            Request = request,
            SecurityGroupIds = request.SecurityGroupIds,
            SecondaryIps = taken.Addresses.Remove(primary),
            Ipv4Prefixes = taken.Prefixes,
            Ipv6Addresses = [.. Enumerable.Range(0, request.Ipv6AddressCount).Select(_ => vSwitch.Ipv6!.Take())],
            Ipv6Prefixes = ipv6Prefixes,
        };
        _enis.Add(eni.Id, eni);
        Changed(eni);
        return eni;
    }

    /// <summary>Under the lock.</summary>
    private void Forget(Eni eni)
    {
        _enis.Remove(eni.Id);
        _history.Gone(eni, _time.GetUtcNow());
        eni.VSwitch.Ipv4.Release(eni.PrimaryIp);
        foreach (var ip in eni.SecondaryIps)
            eni.VSwitch.Ipv4.Release(ip);
        foreach (var prefix in eni.Ipv4Prefixes)
            eni.VSwitch.Ipv4.Release(prefix);
        foreach (var ip in eni.Ipv6Addresses)
            eni.VSwitch.Ipv6!.Release(ip);
        foreach (var prefix in eni.Ipv6Prefixes)
            eni.VSwitch.Ipv6!.Release(prefix);
    }

    private void CheckGroups(ImmutableArray<string> ids)
    {
        if (ids.IsEmpty)
            throw CloudErrors.MissingParameter("SecurityGroupId");
        if (ids.Length > _config.Quotas.SecurityGroupsPerEni)
            throw CloudErrors.TooManyGroups(_config.Quotas.SecurityGroupsPerEni);
        if (ids.Distinct(StringComparer.Ordinal).Count() != ids.Length)
            throw new CloudException(404, "InvalidParameter.SecurityGroupIdRepeated", "The specified security group ids has repeated.");
        foreach (var id in ids)
        {
            if (!_groups.ContainsKey(id))
                throw CloudErrors.SecurityGroupNotFound(id);
        }
        if (ids.Select(id => _groups[id].Enterprise).Distinct().Count() > 1)
            throw new CloudException(403, "InvalidOperation.MultiGroupType", "Basic and enterprise security groups cannot be combined.");
    }

    private void CheckGroupRoom(SecurityGroupSnapshot group, int more)
    {
        var limit = group.Enterprise ? _config.Quotas.PrivateIpsPerEnterpriseGroup : _config.Quotas.PrivateIpsPerBasicGroup;
        var used = _enis.Values.Where(e => e.SecurityGroupIds.Contains(group.Id)).Sum(static e => e.Ipv4Count);
        if (used + more > limit)
            throw CloudErrors.GroupFull(group.Id, limit);
    }

    private void CheckVpcRoom(int more)
    {
        if (_enis.Values.Sum(static e => e.Ipv4Count) + more > _config.Quotas.PrivateIpsPerVpc)
            throw CloudErrors.PrivateIpQuota(_config.Vpc.Id, _config.Quotas.PrivateIpsPerVpc);
    }

    private static void CheckIpv6Room(VSwitch vSwitch, string eniId, int slots, int limit)
    {
        if (slots == 0)
            return;
        if (vSwitch.Ipv6 is null)
            throw CloudErrors.Ipv6Off(vSwitch.Id);
        if (slots > limit)
            throw CloudErrors.Ipv6Count(eniId, limit);
    }

    private static void CheckNamed(VSwitch vSwitch, ImmutableArray<IPAddress> addresses)
    {
        for (var i = 0; i < addresses.Length; i++)
        {
            var ip = addresses[i];
            if (addresses.IndexOf(ip, 0, i) >= 0)
                throw CloudErrors.IpRepeated(ip.ToString());
            if (!vSwitch.Ipv4.IsAssignable(ip))
                throw CloudErrors.IpInvalid(ip.ToString(), vSwitch.Id);
            if (!vSwitch.Ipv4.IsFree(ip))
                throw CloudErrors.IpAssigned(ip.ToString());
        }
    }
}
