using System.Net;
using System.Text;

namespace Terway.Plugins.DataPathV2.Datapath;

/// <summary>An ENI whose traffic the programs carry, as it is kept across restarts.</summary>
/// <param name="Mac">Its MAC address.</param>
/// <param name="Gateways">Of its vSwitch, at most one of each family, IPv4 first.</param>
internal sealed record EniRecord(string Mac, IReadOnlyList<IPAddress> Gateways)
{
    public const string Prefix = "eni/";

    /// <summary>In the plugin's store, and of its objects on the node.</summary>
    public string Key => Prefix + Mac;

    public byte[] ToBytes() => Encoding.ASCII.GetBytes(string.Join(' ', Gateways));

    /// <summary>Null for what cannot be read.</summary>
    public static EniRecord? Read(string key, byte[] value)
    {
        var gateways = new List<IPAddress>();
        foreach (var text in Encoding.ASCII.GetString(value).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!IPAddress.TryParse(text, out var gateway)) return null;
            gateways.Add(gateway);
        }

        return new EniRecord(key[Prefix.Length..], gateways);
    }

    /// <summary>With the gateways of an allocation in the place of those of the same family.</summary>
    public EniRecord With(IReadOnlyList<PodAddress> addresses) => this with
    {
        Gateways = [.. Gateways.Concat(addresses.Select(static a => a.Gateway)).GroupBy(static g => g.AddressFamily).Select(static g => g.Last())
            .OrderBy(static g => g.AddressFamily)],
    };

    public bool Equals(EniRecord? other) => other is not null && Mac == other.Mac && Gateways.SequenceEqual(other.Gateways);

    public override int GetHashCode() => Mac.GetHashCode(StringComparison.Ordinal);
}
