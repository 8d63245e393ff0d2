using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Terway.Lab.Nodes;
using YamlDotNet.RepresentationModel;

namespace Terway.Lab.Cluster;

/// <summary>
/// What the manifests of a node ask for: the addresses that lead to Services there, and everything that can be a backend. Read anew and by other code
/// than the daemon's, so that an audit is no echo.
/// </summary>
internal sealed class ManifestServices
{
    private const byte Tcp = 6;
    private const byte Udp = 17;

    private readonly HashSet<ServiceAddress> _addresses = [];
    private readonly HashSet<ServiceAddress> _backends = [];
    private readonly LabNode _node;
    private readonly bool _withIpv6;

    private ManifestServices(LabNode node, bool withIpv6) => (_node, _withIpv6) = (node, withIpv6);

    /// <summary>Cluster, external and load-balancer addresses and node ports, TCP and UDP.</summary>
    public IReadOnlySet<ServiceAddress> Addresses => _addresses;

    /// <summary>Endpoints of all slices, ready or not; protocol 0.</summary>
    public IReadOnlySet<ServiceAddress> Backends => _backends;

    /// <exception cref="IOException">A file went meanwhile.</exception>
    public static ManifestServices Read(LabNode node, bool withIpv6)
    {
        var services = new ManifestServices(node, withIpv6);
        foreach (var file in Directory.EnumerateFiles(node.Paths.Manifests).Where(static f => Path.GetFileName(f)[0] != '.'))
        {
            var stream = new YamlStream();
            // JSON is YAML.
            using (var reader = new StringReader(File.ReadAllText(file))) stream.Load(reader);
            foreach (var document in stream.Documents) services.Add(document.RootNode);
        }

        return services;
    }

    private void Add(YamlNode o)
    {
        switch (Text(o, "kind"))
        {
            case "Service":
                AddService(o);
                break;
            case "EndpointSlice":
                AddSlice(o);
                break;
            case "List":
                foreach (var item in Items(o, "items")) Add(item);
                break;
        }
    }

    private void AddService(YamlNode o)
    {
        var spec = Child(o, "spec");
        string[] cluster = [.. Texts(spec, "clusterIPs"), .. Text(spec, "clusterIP") is { } one ? [one] : Array.Empty<string>()];
        var external = Texts(spec, "externalIPs").Concat(Items(Child(Child(o, "status"), "loadBalancer"), "ingress")
            .Where(static i => Text(i, "ipMode") != "Proxy").Select(static i => Text(i, "ip")).OfType<string>());
        var families = new HashSet<AddressFamily>();
        foreach (var port in Items(spec, "ports"))
        {
            var number = Number(port, "port");
            foreach (var text in cluster.Concat(external)) Add(text, number, port);
            if (Number(port, "nodePort") is var nodePort and not 0)
            {
                families.UnionWith(cluster.Select(Parse).OfType<IPAddress>().Select(static a => a.AddressFamily));
                foreach (var address in _node.Addresses.Append(IPAddress.Loopback).Append(IPAddress.IPv6Loopback).Where(a => families.Contains(a.AddressFamily)))
                    Add(address.ToString(), nodePort, port);
            }
        }
    }

    private void Add(string text, ushort number, YamlNode port)
    {
        if (Protocol(port) is { } protocol && Parse(text) is { } address && (_withIpv6 || address.AddressFamily == AddressFamily.InterNetwork))
            _addresses.Add(new ServiceAddress(address, number, protocol));
    }

    private void AddSlice(YamlNode o)
    {
        foreach (var address in Items(o, "endpoints").SelectMany(static e => Texts(e, "addresses")).Select(Parse).OfType<IPAddress>())
        {
            foreach (var port in Items(o, "ports")) _backends.Add(new ServiceAddress(address, Number(port, "port"), 0));
        }
    }

    // "None" of a headless Service is none.
    private static IPAddress? Parse(string text) => IPAddress.TryParse(text, out var address) ? address : null;

    private static byte? Protocol(YamlNode port) => Text(port, "protocol") switch { null or "TCP" => Tcp, "UDP" => Udp, _ => null };

    private static ushort Number(YamlNode node, string key) => ushort.TryParse(Text(node, key), CultureInfo.InvariantCulture, out var number) ? number : (ushort)0;

    private static YamlNode? Child(YamlNode? node, string key) => node is YamlMappingNode map && map.Children.TryGetValue(new YamlScalarNode(key), out var child) ? child : null;

    private static YamlSequenceNode Items(YamlNode? node, string key) => Child(node, key) as YamlSequenceNode ?? [];

    private static IEnumerable<string> Texts(YamlNode? node, string key) => Items(node, key).OfType<YamlScalarNode>().Select(static s => s.Value).OfType<string>();

    private static string? Text(YamlNode? node, string key) => (Child(node, key) as YamlScalarNode)?.Value;
}
