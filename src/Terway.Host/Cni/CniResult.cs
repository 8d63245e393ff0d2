using System.Buffers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Terway.Host.State;
using Terway.Plugin;

namespace Terway.Host.Cni;

/// <summary>
/// The result of ADD in the version the caller asked for (CNI specification 0.3.0 to 1.1.0, section "Success"). A previous plugin's result is
/// kept and ours appended, as a link of a chain must.
/// </summary>
internal static class CniResult
{
    /// <summary>Writes the result of one attachment.</summary>
    /// <param name="version">cniVersion of the configuration.</param>
    /// <param name="record">What was attached, and by which links.</param>
    /// <param name="families">Active families: they give the next hop.</param>
    /// <param name="previous">prevResult of the configuration, if any.</param>
    public static string Write(string version, AttachmentRecord record, IReadOnlyList<IAddressFamily> families, JsonElement? previous)
    {
        var attachment = record.Attachment;
        var nic = record.Nics.FirstOrDefault(n => n.PodName == attachment.Pod.IfName);
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("cniVersion", version);
            var podInterface = WriteInterfaces(json, version, record, nic, previous);
            // Behind a NIC of its own a pod's next hop is the vSwitch's.
            string? Gateway(PodAddress a) => nic is null ? GatewayOf(families, a) : a.Gateway.ToString();
            WriteIps(json, version, attachment, Gateway, previous, podInterface);
            WriteRoutes(json, attachment, Gateway, previous);
            WriteDns(json, previous);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    // Returns the index of the pod's interface. One whose NIC moved into the pod has an end on the node only if it got a second link.
    private static int WriteInterfaces(Utf8JsonWriter json, string version, AttachmentRecord record, KernelObject.Nic? nic, JsonElement? previous)
    {
        var attachment = record.Attachment;
        json.WriteStartArray("interfaces");
        var index = CopyArray(json, previous, "interfaces");
        if (nic is null || record.Objects.OfType<KernelObject.Veth>().Any(v => v.Name == attachment.HostLinkName))
        {
            WriteInterface(json, version, attachment.HostLinkName, attachment.HostLinkMac, attachment.Mtu, sandbox: null);
            index++;
        }

        WriteInterface(json, version, attachment.Pod.IfName, nic?.On.Mac ?? attachment.PodLinkMac, attachment.Mtu, attachment.Pod.NetNsPath);
        json.WriteEndArray();
        return index;
    }

    private static void WriteInterface(Utf8JsonWriter json, string version, string name, string mac, int mtu, string? sandbox)
    {
        json.WriteStartObject();
        json.WriteString("name", name);
        json.WriteString("mac", mac);
        if (version is "1.1.0") json.WriteNumber("mtu", mtu);
        if (sandbox is not null) json.WriteString("sandbox", sandbox);
        json.WriteEndObject();
    }

    private static void WriteIps(
        Utf8JsonWriter json, string version, Attachment attachment, Func<PodAddress, string?> gatewayOf, JsonElement? previous, int podInterface)
    {
        json.WriteStartArray("ips");
        CopyArray(json, previous, "ips");
        foreach (var address in attachment.Allocation.Addresses)
        {
            var v6 = address.Address.AddressFamily == AddressFamily.InterNetworkV6;
            json.WriteStartObject();
            if (version is "0.3.0" or "0.3.1" or "0.4.0") json.WriteString("version", v6 ? "6" : "4");
            json.WriteNumber("interface", podInterface);
            json.WriteString("address", $"{address.Address}/{(v6 ? 128 : 32)}");
            if (gatewayOf(address) is { } gateway) json.WriteString("gateway", gateway);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteRoutes(Utf8JsonWriter json, Attachment attachment, Func<PodAddress, string?> gatewayOf, JsonElement? previous)
    {
        json.WriteStartArray("routes");
        CopyArray(json, previous, "routes");
        foreach (var address in attachment.Allocation.Addresses)
        {
            json.WriteStartObject();
            json.WriteString("dst", address.Address.AddressFamily == AddressFamily.InterNetworkV6 ? "::/0" : "0.0.0.0/0");
            if (gatewayOf(address) is { } gateway) json.WriteString("gw", gateway);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteDns(Utf8JsonWriter json, JsonElement? previous)
    {
        json.WritePropertyName("dns");
        if (previous is { ValueKind: JsonValueKind.Object } result && result.TryGetProperty("dns", out var dns) && dns.ValueKind == JsonValueKind.Object)
        {
            dns.WriteTo(json);
            return;
        }

        json.WriteStartObject();
        json.WriteEndObject();
    }

    private static int CopyArray(Utf8JsonWriter json, JsonElement? previous, string name)
    {
        if (previous is not { ValueKind: JsonValueKind.Object } result
            || !result.TryGetProperty(name, out var array) || array.ValueKind != JsonValueKind.Array)
        {
            return 0;
        }

        foreach (var element in array.EnumerateArray()) element.WriteTo(json);
        return array.GetArrayLength();
    }

    private static string? GatewayOf(IReadOnlyList<IAddressFamily> families, PodAddress address)
    {
        foreach (var family in families)
        {
            if (family.Family == address.Address.AddressFamily) return family.PodGateway.ToString();
        }

        return null;
    }
}
