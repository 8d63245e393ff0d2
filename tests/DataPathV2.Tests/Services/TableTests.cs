using System.Net;
using CsCheck;
using Terway.Plugins.DataPathV2.Abi;
using Terway.Plugins.DataPathV2.Services;

namespace Terway.Plugins.DataPathV2.Tests.Services;

/// <summary>The table's writes: what they end in, and what a hook finds between any two of them.</summary>
public sealed class TableTests
{
    private const int MaxServices = 6;

    private static readonly NodeView s_node = new("node-a", "zone-a", WithIpv6: true, [IPAddress.Parse("10.9.0.1"), IPAddress.Parse("fd00:9::1")]);

    private static readonly Gen<ServiceEndpoint> s_endpoint = Gen.Select(
        Gen.Int[1, 24], Gen.Bool, Gen.Bool, Gen.Int[0, 2], Gen.Int[0, 3],
        static (number, v6, ready, state, place) => new ServiceEndpoint
        {
            Address = IPAddress.Parse(v6 ? $"fd00:1::{number}" : $"10.1.0.{number}"),
            Port = 8080,
            Ready = ready,
            Serving = ready || state > 0,
            Terminating = state > 1,
            Node = place == 0 ? "node-a" : "node-b",
            Zones = place switch { 0 => [], 1 => ["zone-a"], _ => ["zone-b", "zone-c"] },
        });

    // Service n has addresses of its own: who gets one that two claim depends on who was first.
    private static readonly Gen<Service?> s_service = Gen.Select(
        Gen.Int[0, 4], s_endpoint.List[0, 12], Gen.Bool, Gen.Bool, Gen.Int[0, 3],
        static (ports, endpoints, affinity, local, shape) => ports == 0 ? null : new Service
        {
            Name = default,
            ClusterAddresses = shape > 1 ? [IPAddress.Parse("172.21.0.1"), IPAddress.Parse("fd00:21::1")] : [IPAddress.Parse("172.21.0.1")],
            ExternalAddresses = shape % 2 == 1 ? [IPAddress.Parse("203.0.113.1")] : [],
            Affinity = affinity ? TimeSpan.FromSeconds(60 + ports) : null,
            InternalLocal = local,
            Ports = [.. Enumerable.Range(0, ports).Select(i => new ServicePort
            {
                Name = $"p{i}",
                Protocol = i switch { 0 => "TCP", 1 => "UDP", 2 => "SCTP", _ => "TCP" },
                Port = (ushort)(80 + i),
                NodePort = (ushort)(shape > 0 ? 30000 + i : 0),
                Endpoints = [.. endpoints.Skip(i)],
            })],
        });

    private static readonly Gen<Service?[]> s_snapshot = s_service.Array[MaxServices];

    [Fact]
    public void Any_history_ends_in_what_a_full_build_makes_and_no_lookup_is_wrong_on_the_way()
    {
        s_snapshot.Array[1, 5].Sample(
            static history =>
            {
                var maps = new MemoryMaps(maxSlots: 512);
                var table = ServiceTable.Open(maps, s_node);
                IReadOnlyList<Service> before = [];
                foreach (var snapshot in history)
                {
                    var next = Named(snapshot);
                    Watched(maps, before, next, () => table.Apply(Difference(before, next, complete: true)));
                    Assert.Equal(Full(next), maps.View());
                    Assert.Empty(table.Refused);
                    before = next;
                }

                // The last one takes everything along.
                table.Apply(Difference(before, [], complete: true));
                Assert.Empty(maps.Frontends);
                Assert.Equal((0, 0), (maps.MemberCount, table.Members));
            },
            iter: 300);
    }

    [Fact]
    public void A_daemon_that_dies_between_any_two_writes_is_taken_over_without_a_wrong_lookup()
    {
        Gen.Select(s_snapshot, s_snapshot, Gen.Double[0, 1]).Sample(
            static (first, second, when) =>
            {
                var maps = new MemoryMaps();
                var (before, next) = (Named(first), Named(second));
                ServiceTable.Open(maps, s_node).Apply(Difference([], before, complete: true));
                var counting = new MemoryMaps();
                var trial = ServiceTable.Open(counting, s_node);
                trial.Apply(Difference([], before, complete: true));
                var already = counting.Writes;
                trial.Apply(Difference(before, next, complete: true));
                maps.Left = 1 + (int)(when * (counting.Writes - already));
                var dying = ServiceTable.Open(maps, s_node);
                Watched(maps, before, next, () =>
                {
                    try
                    {
                        dying.Apply(Difference([], next, complete: true));
                    }
                    catch (DaemonDiedException)
                    {
                        // As meant.
                    }
                });
                maps.Left = int.MaxValue;
                var heir = ServiceTable.Open(maps, s_node);
                Watched(maps, before, next, () => heir.Apply(Difference([], next, complete: true)));
                Assert.Equal(Full(next), maps.View());
                Assert.Equal(maps.MemberCount, heir.Members);
                Assert.Equal(maps.Frontends.Count, heir.Frontends);
            },
            iter: 300);
    }

    [Fact]
    public void A_restart_writes_nothing_and_gives_nothing_up_before_everything_is_known()
    {
        s_snapshot.Sample(
            static snapshot =>
            {
                var maps = new MemoryMaps();
                var services = Named(snapshot);
                ServiceTable.Open(maps, s_node).Apply(Difference([], services, complete: true));
                var (writes, view) = (maps.Writes, maps.View());
                var heir = ServiceTable.Open(maps, s_node);
                heir.Apply(Difference([], [.. services.Take(2)], complete: false));
                Assert.Equal(view, maps.View());
                heir.Apply(Difference([], [.. services.Skip(2)], complete: true));
                Assert.Equal(view, maps.View());
                Assert.Equal(writes, maps.Writes);
                Assert.Equal(maps.MemberCount, heir.Members);
            },
            iter: 200);
    }

    [Fact]
    public void Slots_are_not_used_again_while_somebody_may_still_read_them()
    {
        var maps = new MemoryMaps(maxSlots: 8);
        var table = ServiceTable.Open(maps, s_node);
        var waits = maps.Waits;
        table.Apply(Difference([], [Tcp(4, 0)], complete: true));
        table.Apply(Difference([], [Tcp(4, 1)], complete: true));
        Assert.Equal(waits, maps.Waits);
        table.Apply(Difference([], [Tcp(4, 2)], complete: true));
        Assert.Equal(waits + 1, maps.Waits);
        Assert.Equal(4, maps.Lookup(maps.Frontends.Keys.Single())!.Length);
    }

    [Theory]
    [InlineData(4u, 64u, "svc_frontends")]
    [InlineData(64u, 16u, "svc_slots")]
    public void What_does_not_fit_is_left_out_whole_and_comes_when_there_is_room(uint frontends, uint slots, string map)
    {
        var maps = new MemoryMaps(frontends, slots);
        var table = ServiceTable.Open(maps, s_node);
        List<Service> all = [.. Enumerable.Range(0, 6).Select(n => Tcp(4, 0, n))];
        table.Apply(Difference([], all, complete: true));
        Assert.Equal(2, table.Refused.Count);
        Assert.All(table.Refused, r => Assert.Contains(map, r.Value.Reason, StringComparison.Ordinal));
        Assert.Equal(Full([.. all.Take(4)]), maps.View());
        // One goes, one of those comes; one that grows beyond the rest goes rather than keep backends that are none.
        table.Apply(new ServiceChanges { Changed = [], Removed = [all[0].Name], Complete = true });
        Assert.Equal(Full([.. all[1..5]]), maps.View());
        if (map != ServicePins.Slots) return;
        table.Apply(Difference([], [Tcp(9, 0, 1)], complete: true));
        Assert.Equal(all[1].Name, Assert.Single(table.Refused).Key);
        Assert.Equal(Full([.. all[2..6]]), maps.View());
    }

    [Fact]
    public void An_address_that_two_services_claim_is_the_firsts_and_goes_over_when_that_one_goes()
    {
        var maps = new MemoryMaps();
        var table = ServiceTable.Open(maps, s_node);
        var (first, second) = (Tcp(2, 0), Tcp(3, 0) with { Name = new("default", "other") });
        table.Apply(Difference([], [first], complete: true));
        table.Apply(Difference([], [second], complete: true));
        Assert.Equal(2, maps.Lookup(maps.Frontends.Keys.Single())!.Length);
        Assert.Equal((first.Name, second.Name), table.Conflicts.Select(static c => (c.Owner, c.Waiting)).Single());
        // Without a moment in which it is nobody's.
        maps.Written = () => Assert.Single(maps.Frontends);
        table.Apply(new ServiceChanges { Changed = [], Removed = [first.Name], Complete = true });
        Assert.Equal(3, maps.Lookup(maps.Frontends.Keys.Single())!.Length);
        Assert.Empty(table.Conflicts);
        maps.Written = null;
        table.Apply(new ServiceChanges { Changed = [], Removed = [second.Name], Complete = true });
        Assert.Empty(maps.Frontends);
    }

    [Fact]
    public void Node_ports_follow_the_nodes_addresses()
    {
        var maps = new MemoryMaps();
        var table = ServiceTable.Open(maps, s_node);
        table.Apply(Difference([], [Some.Service([Some.Endpoint("10.1.0.1")], nodePort: 30080)], complete: true));
        table.Apply(s_node with { Addresses = [IPAddress.Parse("10.9.0.2")] });
        Assert.Null(maps.Lookup(SvcAddress.Of(IPAddress.Parse("10.9.0.1"), 30080, 6)));
        Assert.Single(maps.Lookup(SvcAddress.Of(IPAddress.Parse("10.9.0.2"), 30080, 6))!);
        Assert.Single(maps.Lookup(SvcAddress.Of(IPAddress.Loopback, 30080, 17))!);
    }

    [Fact]
    public void Ranges_are_given_once_and_join_again()
    {
        Gen.Select(Gen.Int[1, 300], Gen.Select(Gen.Bool, Gen.Int[0, 6]).Array[1, 200]).Sample(static (size, steps) =>
        {
            var allocator = new RangeAllocator((uint)size);
            var owners = new bool[size];
            var taken = new List<BackendRange>();
            foreach (var (take, order) in steps)
            {
                if (take && allocator.TryTake(order, out var range))
                {
                    for (var i = range.Base; i < range.Base + range.Size; i++)
                    {
                        Assert.False(owners[i]);
                        owners[i] = true;
                    }

                    taken.Add(range);
                }
                else if (!take && taken.Count > 0)
                {
                    var back = taken[order % taken.Count];
                    taken.Remove(back);
                    allocator.Return(back);
                    for (var i = back.Base; i < back.Base + back.Size; i++) owners[i] = false;
                    if (order % 2 == 0)
                    {
                        Assert.True(allocator.TryTake(back));
                        Assert.False(allocator.TryTake(back));
                        allocator.Return(back);
                    }
                }

                Assert.Equal((uint)owners.Count(static o => o), allocator.Used);
            }

            foreach (var range in taken) allocator.Return(range);
            Assert.Equal(0u, allocator.Used);
            Assert.True(allocator.TryTake(System.Numerics.BitOperations.Log2((uint)size), out _));
        });
    }

    private static Service Tcp(int backends, int from, int number = 0) => new()
    {
        Name = new ServiceName("default", $"s{number}"),
        ClusterAddresses = [IPAddress.Parse($"172.21.0.{number + 1}")],
        Ports = [new ServicePort { Protocol = "TCP", Port = 80, Endpoints = [.. Enumerable.Range(from * 20, backends).Select(static i => Some.Endpoint($"10.1.0.{i + 1}"))] }],
    };

    private static List<Service> Named(Service?[] snapshot)
    {
        var services = new List<Service>();
        for (var n = 0; n < snapshot.Length; n++)
        {
            if (snapshot[n] is not { } service) continue;
            services.Add(service with
            {
                Name = new ServiceName("default", $"s{n}"),
                ClusterAddresses = [.. service.ClusterAddresses.Select(a => Shifted(a, n))],
                ExternalAddresses = [.. service.ExternalAddresses.Select(a => Shifted(a, n))],
                Ports = [.. service.Ports.Select(p => p with { NodePort = (ushort)(p.NodePort == 0 ? 0 : p.NodePort + (n * 10)) })],
            });
        }

        return services;
    }

    private static IPAddress Shifted(IPAddress address, int by)
    {
        var bytes = address.GetAddressBytes();
        bytes[^1] += (byte)by;
        return new IPAddress(bytes);
    }

    private static ServiceChanges Difference(IReadOnlyList<Service> before, IReadOnlyList<Service> next, bool complete) => new()
    {
        Changed = next,
        Removed = [.. before.Select(static s => s.Name).Except(next.Select(static s => s.Name))],
        Complete = complete,
    };

    private static IReadOnlyList<string> Full(IReadOnlyList<Service> services)
    {
        var maps = new MemoryMaps();
        ServiceTable.Open(maps, s_node).Apply(Difference([], services, complete: true));
        return maps.View();
    }

    // After every single write each address leads to what it led to before or to what it will, and to backends that sticky clients may come back to.
    private static void Watched(MemoryMaps maps, IReadOnlyList<Service> before, IReadOnlyList<Service> next, Action act)
    {
        var (old, @new) = (Planned(before), Planned(next));
        maps.Written = () =>
        {
            foreach (var address in old.Keys.Union(@new.Keys))
            {
                var found = maps.Lookup(address);
                var (was, will) = (old.GetValueOrDefault(address), @new.GetValueOrDefault(address));
                Assert.True(
                    Same(found, was?.Backends) || Same(found, will?.Backends),
                    $"{address}: {Text(found)}, was {Text(was?.Backends)}, will be {Text(will?.Backends)}");
                if (found is null) continue;
                var known = maps.MembersOf(maps.Frontends[address].Set).ToHashSet();
                if ((was ?? will)!.HasMembers && (will ?? was)!.HasMembers) Assert.All(found, b => Assert.Contains(b, known));
            }
        };
        act();
        maps.Written = null;
    }

    private static Dictionary<SvcAddress, PlannedSet> Planned(IReadOnlyList<Service> services)
    {
        var all = new Dictionary<SvcAddress, PlannedSet>();
        foreach (var plan in services.Select(static s => ServicePlan.Of(s, s_node)))
        {
            foreach (var (address, frontend) in plan.Frontends) all[address] = plan.Sets[frontend.Set];
        }

        return all;
    }

    private static bool Same(SvcAddress[]? a, SvcAddress[]? b) => a is null ? b is null : b is not null && a.AsSpan().SequenceEqual(b);

    private static string Text(SvcAddress[]? backends) => backends is null ? "nobody" : $"[{string.Join(", ", backends)}]";
}
