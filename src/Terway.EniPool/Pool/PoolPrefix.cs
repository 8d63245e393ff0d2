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

    /// <summary>The addresses of a prefix.</summary>
    public static IEnumerable<IPAddress> AddressesOf(IPNetwork network)
    {
        var bytes = network.BaseAddress.GetAddressBytes();
        var count = 1 << ((bytes.Length * 8) - network.PrefixLength);
        for (var i = 0; i < count; i++)
        {
            yield return new IPAddress(bytes);

            // The base is aligned: only the last byte goes up.
            bytes[^1]++;
        }
    }
}
