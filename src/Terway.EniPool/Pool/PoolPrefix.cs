using System.Net;

namespace Terway.EniPool.Pool;

/// <summary>A prefix of an ENI with its addresses, lowest first: they come and go together. Guarded by the pool's lock.</summary>
internal sealed class PoolPrefix(IPNetwork network, int family, IReadOnlyList<PoolAddress> addresses)
{
    public IPNetwork Network { get; } = network;

    /// <summary>Index of its family.</summary>
    public int Family { get; } = family;

    public IReadOnlyList<PoolAddress> Addresses { get; } = addresses;

    public int InUse
    {
        get
        {
            var count = 0;
            for (var i = 0; i < Addresses.Count; i++)
            {
                count += Addresses[i].State == AddressState.InUse ? 1 : 0;
            }

            return count;
        }
    }

    public bool All(AddressState state)
    {
        for (var i = 0; i < Addresses.Count; i++)
        {
            if (Addresses[i].State != state)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// The first addresses of a prefix. One of IPv6 has more than a node ever has pods: only so many of it are used, and not the one without host bits,
    /// which routers answer to (RFC 4291, section 2.6.1).
    /// </summary>
    public static IEnumerable<IPAddress> AddressesOf(IPNetwork network, int count)
    {
        var bytes = network.BaseAddress.GetAddressBytes();
        var first = bytes.Length == 16 ? 1 : 0;
        for (var i = first; i < first + count; i++)
        {
            // The base is aligned to at least as many bits as the numbers have.
            var address = (byte[])bytes.Clone();
            address[^1] |= (byte)i;
            address[^2] |= (byte)(i >> 8);
            yield return new IPAddress(address);
        }
    }
}
