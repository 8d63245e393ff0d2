using System.Net;
using Terway.Plugins.DataPathV2.Abi;

namespace Terway.Plugins.DataPathV2.Services;

/// <summary>
/// Takes a Service through its life with maps that are nowhere. Generic code over this plugin's own types is compiled where it is first used: without this, a
/// restarted daemon's first change of endpoints takes three times as long as the next.
/// </summary>
internal static class Rehearsal
{
    /// <summary>Takes some ten milliseconds, once; harmless at any time, on any thread.</summary>
    public static void Run() => Run(new Nowhere());

    /// <param name="maps">Empty, and empty again afterwards.</param>
    internal static void Run(IServiceMaps maps)
    {
        var table = ServiceTable.Open(maps, new NodeView("rehearsal", "", WithIpv6: false, []));
        foreach (var endpoints in (int[])[2, 1, 0, 1]) Apply(table, [Some(endpoints)], []);
        Apply(table, [], [Some(0).Name]);
    }

    private static void Apply(ServiceTable table, IReadOnlyList<Service> changed, IReadOnlyList<ServiceName> removed)
    {
        table.Apply(new ServiceChanges { Changed = changed, Removed = removed, Complete = true });
        table.TakeGoneSets();
    }

    private static Service Some(int endpoints) => new()
    {
        Name = new ServiceName("", "rehearsal"),
        ClusterAddresses = [IPAddress.Loopback],
        Ports = [.. ((string[])["TCP", "UDP"]).Select(protocol => new ServicePort
        {
            Protocol = protocol,
            Port = 1,
            Endpoints = [.. Enumerable.Range(1, endpoints).Select(static n => new ServiceEndpoint { Address = IPAddress.Loopback, Port = (ushort)n })],
        })],
    };

    private sealed class Nowhere : IServiceMaps
    {
        public uint MaxFrontends => 16;

        public uint MaxSlots => 64;

        public uint MaxMembers => 16;

        public IReadOnlyList<KeyValuePair<SvcAddress, SvcFrontend>> ReadFrontends() => [];

        public IReadOnlyList<SvcMember> ReadMembers() => [];

        public void ReadSlots(uint first, Span<SvcSlot> slots)
        {
        }

        public void WriteSlots(ReadOnlySpan<uint> indexes, ReadOnlySpan<SvcSlot> slots)
        {
        }

        public void PutMembers(ReadOnlySpan<SvcMember> members)
        {
        }

        public void DeleteMembers(ReadOnlySpan<SvcMember> members)
        {
        }

        public void PutFrontends(ReadOnlySpan<SvcAddress> addresses, ReadOnlySpan<SvcFrontend> frontends)
        {
        }

        public void DeleteFrontends(ReadOnlySpan<SvcAddress> addresses)
        {
        }

        public void DeleteChoices(Func<uint, bool> isGone)
        {
        }

        public void WaitForReaders()
        {
        }
    }
}
