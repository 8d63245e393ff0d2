using System.Text.Json;
using Terway.Cni.Wire;

namespace Terway.Host.Cni;

/// <summary>The keys of a CNI network configuration that the daemon uses.</summary>
internal sealed record CniNetConf
{
    public required string Version { get; init; }

    /// <summary>MTU asked for; 0 is that of the ENI.</summary>
    public required int Mtu { get; init; }

    /// <summary>Result of the plugin before us in the chain.</summary>
    public required JsonElement? PrevResult { get; init; }

    /// <summary>The whole configuration.</summary>
    public required JsonElement Raw { get; init; }

    /// <exception cref="CniException">A key has a wrong type or value.</exception>
    public static CniNetConf Parse(JsonElement config)
    {
        if (config.ValueKind != JsonValueKind.Object)
        {
            throw new CniException(CniErrorCode.DecodingFailure, "the network configuration is no JSON object");
        }

        var mtu = 0;
        if (config.TryGetProperty("mtu", out var m) && (m.ValueKind != JsonValueKind.Number || !m.TryGetInt32(out mtu) || mtu is < 0 or > 65535))
        {
            throw new CniException(
                CniErrorCode.InvalidNetworkConfig, $"mtu is {m.GetRawText()}; it must be a number from 0 (the ENI's own) to 65535");
        }

        return new CniNetConf
        {
            // Configurations without a version are of 0.1.0 in the specification; the entrypoint refuses those it does not know.
            Version = config.TryGetProperty("cniVersion", out var v) && v.ValueKind == JsonValueKind.String ? v.GetString()! : "0.3.0",
            Mtu = mtu,
            PrevResult = config.TryGetProperty("prevResult", out var p) && p.ValueKind == JsonValueKind.Object ? p : null,
            Raw = config,
        };
    }
}
