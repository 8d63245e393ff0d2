using System.Net;
using Terway.Lab.Vpc.Abi;
using Terway.Linux.Bpf;

namespace Terway.Lab.Vpc;

/// <summary>The loaded eBPF program of one VPC and its maps. It forwards as long as a filter holds it, not as long as this object lives.</summary>
internal sealed class VpcDatapath : IDisposable
{
    private readonly BpfObject _object;
    private readonly BpfMap _ports;
    private readonly BpfMap _enis;
    private readonly BpfMap _addresses;
    private readonly BpfMap _routes;
    private readonly BpfMap _policies;
    private readonly BpfMap _lastDrops;
    private readonly PerCpuTable<ulong> _drops;
    private readonly PerCpuTable<ulong> _counters;
    private readonly PerCpuTable<EniCounters> _eniCounters;

    private VpcDatapath(BpfObject loaded)
    {
        _object = loaded;
        _ports = loaded.Maps["lab_ports"];
        _enis = loaded.Maps["lab_enis"];
        _addresses = loaded.Maps["lab_addresses"];
        _routes = loaded.Maps["lab_routes"];
        _policies = loaded.Maps["lab_policies"];
        _lastDrops = loaded.Maps["lab_last_drops"];
        _drops = new(loaded.Maps["lab_drops"]);
        _counters = new(loaded.Maps["lab_counters"]);
        _eniCounters = new(loaded.Maps["lab_eni_counts"]);
        ProgramFd = loaded.Programs["lab_vpc"].Fd;
    }

    /// <summary>For the bpf filter of a port.</summary>
    public int ProgramFd { get; }

    /// <summary>Loads the object that lies beside the assembly.</summary>
    /// <param name="forOldKernel">see <see cref="VpcOptions.ForOldKernel"/></param>
    /// <exception cref="BpfException">The kernel refuses it; the message has the verifier's log. Needs Linux 5.10.</exception>
    public static VpcDatapath Load(bool forOldKernel)
    {
        var loaded = BpfObject.Open(Path.Combine(AppContext.BaseDirectory, "bpf", forOldKernel ? "lab_vpc_old.bpf.o" : "lab_vpc.bpf.o"));
        try
        {
            loaded.Load();
            return new VpcDatapath(loaded);
        }
        catch
        {
            loaded.Dispose();
            throw;
        }
    }

    public void SetEni(in EniEntry eni)
    {
        if (_eniCounters.Sum(eni.Id) is null)
            _eniCounters.Clear(eni.Id);
        _enis.Update(eni.Id, eni);
    }

    public void RemoveEni(uint id)
    {
        _enis.Delete(id);
        _policies.Delete(new PolicyKey { Eni = id, Direction = Direction.Egress });
        _policies.Delete(new PolicyKey { Eni = id, Direction = Direction.Ingress });
    }

    public void ForgetCounters(uint id) => _eniCounters.Remove(id);

    public void SetPort(int ifIndex, int vlan, uint eni) => _ports.Update(new PortKey { IfIndex = (uint)ifIndex, Vlan = (ushort)vlan }, eni);

    public void RemovePort(int ifIndex, int vlan) => _ports.Delete(new PortKey { IfIndex = (uint)ifIndex, Vlan = (ushort)vlan });

    public void SetAddress(IPNetwork address, uint eni) => _addresses.Update(AddressBytes.Of(address), eni);

    public void RemoveAddress(IPNetwork address) => _addresses.Delete(AddressBytes.Of(address));

    public void SetRoute(IPNetwork destination, RouteKind kind, uint eni = 0) =>
        _routes.Update(AddressBytes.Of(destination), new Route { Kind = kind, Eni = eni });

    public void SetPolicy(uint eni, Direction direction, in Policy policy) =>
        _policies.Update(new PolicyKey { Eni = eni, Direction = direction }, policy);

    public IReadOnlyDictionary<DropReason, long> Drops() => Enum.GetValues<DropReason>()
        .Where(static reason => reason != DropReason.None)
        .ToDictionary(static reason => reason, reason => (long)_drops.Sum((uint)reason).GetValueOrDefault());

    public IReadOnlyDictionary<VpcCounter, long> Counters() => Enum.GetValues<VpcCounter>()
        .ToDictionary(static counter => counter, counter => (long)_counters.Sum((uint)counter).GetValueOrDefault());

    public EniCounters EniCounters(uint eni) => _eniCounters.Sum(eni).GetValueOrDefault();

    public IReadOnlyList<KeyValuePair<DropKey, Drop>> LastDrops() => _lastDrops.Entries<DropKey, Drop>();

    /// <summary>Packets counted meanwhile may or may not be in the new count.</summary>
    public void ResetCounters()
    {
        foreach (var reason in Enum.GetValues<DropReason>())
            _drops.Clear((uint)reason);
        foreach (var counter in Enum.GetValues<VpcCounter>())
            _counters.Clear((uint)counter);
        foreach (var eni in _enis.Keys<uint>())
            _eniCounters.Clear(eni);
        foreach (var key in _lastDrops.Keys<DropKey>())
            _lastDrops.Delete(key);
    }

    public void Dispose() => _object.Dispose();
}
