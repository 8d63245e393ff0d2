using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Terway.Bench.Datapath.Services;

/// <summary>A set of Services as Kubernetes objects: each with a slice for every port that its endpoints have.</summary>
internal static class ServiceManifests
{
    private static readonly string[] s_tcp = ["tcp"];

    public static string Write(ServiceSet set, string prefix = "")
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("apiVersion", "v1");
            json.WriteString("kind", "List");
            json.WriteStartArray("items");
            for (var i = 0; i < set.Count; i++)
            {
                var name = prefix + ServiceSet.NameOf(i);
                var protocols = set.ProtocolsOf(i);
                Service(json, name, set.AddressOf(i), protocols);
                foreach (var port in set.BackendsOf(i).GroupBy(static b => b.Port))
                    Slice(json, name, set.Family, port.Key, [.. port.Select(static b => b.Address)], protocols);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>One Service with these endpoints.</summary>
    public static string Write(string name, IPAddress address, int port, IReadOnlyList<IPAddress> endpoints)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("apiVersion", "v1");
            json.WriteString("kind", "List");
            json.WriteStartArray("items");
            Service(json, name, address, s_tcp);
            Slice(json, name, address.AddressFamily, port, endpoints, s_tcp);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void Service(Utf8JsonWriter json, string name, IPAddress address, IReadOnlyList<string> protocols)
    {
        json.WriteStartObject();
        json.WriteString("apiVersion", "v1");
        json.WriteString("kind", "Service");
        Metadata(json, name, null);
        json.WriteStartObject("spec");
        json.WriteString("clusterIP", address.ToString());
        json.WriteStartArray("clusterIPs");
        json.WriteStringValue(address.ToString());
        json.WriteEndArray();
        json.WriteStartArray("ports");
        foreach (var protocol in protocols) Port(json, ServiceSet.Port, protocol);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Slice(Utf8JsonWriter json, string service, AddressFamily family, int port, IReadOnlyList<IPAddress> endpoints, IReadOnlyList<string> protocols)
    {
        json.WriteStartObject();
        json.WriteString("apiVersion", "discovery.k8s.io/v1");
        json.WriteString("kind", "EndpointSlice");
        Metadata(json, $"{service}-{port}", service);
        json.WriteString("addressType", family == AddressFamily.InterNetwork ? "IPv4" : "IPv6");
        json.WriteStartArray("endpoints");
        foreach (var endpoint in endpoints)
        {
            json.WriteStartObject();
            json.WriteStartArray("addresses");
            json.WriteStringValue(endpoint.ToString());
            json.WriteEndArray();
            json.WriteStartObject("conditions");
            json.WriteBoolean("ready", true);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("ports");
        foreach (var protocol in protocols) Port(json, port, protocol);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Metadata(Utf8JsonWriter json, string name, string? service)
    {
        json.WriteStartObject("metadata");
        json.WriteString("name", name);
        json.WriteString("namespace", "bench");
        if (service is not null)
        {
            json.WriteStartObject("labels");
            json.WriteString("kubernetes.io/service-name", service);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void Port(Utf8JsonWriter json, int port, string protocol)
    {
        json.WriteStartObject();
        json.WriteString("name", protocol);
        json.WriteString("protocol", protocol.ToUpperInvariant());
        json.WriteNumber("port", port);
        json.WriteEndObject();
    }
}
