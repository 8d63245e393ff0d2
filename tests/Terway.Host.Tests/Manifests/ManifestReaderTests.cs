using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using CsCheck;
using Terway.Host.Manifests;
using Terway.Plugin;

namespace Terway.Host.Tests.Manifests;

public sealed class ManifestReaderTests
{
    private const string Yaml = """
        # two documents, and one that is nobody's business
        apiVersion: v1
        kind: Service
        metadata:
          name: web
          namespace: shop
          annotations: { "some/thing": "yes" }
        spec:
          type: LoadBalancer
          clusterIP: 172.21.0.10
          clusterIPs: [172.21.0.10, "fd00:21::10"]
          externalIPs: [203.0.113.1]
          sessionAffinity: ClientIP
          sessionAffinityConfig: { clientIP: { timeoutSeconds: 30 } }
          internalTrafficPolicy: Local
          externalTrafficPolicy: Local
          ports:
          - { name: http, port: 80, targetPort: web, nodePort: 30080 }
          - name: dns
            protocol: UDP
            port: 53
        status:
          loadBalancer:
            ingress:
            - ip: 203.0.113.2
              ipMode: VIP
            - { ip: 203.0.113.3, ipMode: Proxy }
            - { hostname: lb.example }
        ---
        kind: Deployment
        metadata: { name: web }
        spec: { replicas: !!int "3" }
        ---
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: { name: web-1, namespace: shop, labels: { kubernetes.io/service-name: web, other: "1" } }
        addressType: IPv4
        endpoints:
        - addresses: [10.1.0.1]
          nodeName: node-a
          zone: zone-a
          conditions: { ready: true, serving: true, terminating: false }
          hints: { forZones: [ { name: zone-a } ] }
        - addresses: ["10.1.0.2"]
          conditions: { ready: false, terminating: true, serving: true }
        ports:
        - { name: http, port: 8080, protocol: TCP }
        - { name: dns, port: 5353, protocol: UDP }
        """;

    [Fact]
    public void Yaml_documents_become_services_with_their_endpoints()
    {
        var objects = Read(Yaml);
        Assert.Equal(
            [new(ManifestKind.Service, "shop", "web"), new ObjectKey(ManifestKind.EndpointSlice, "shop", "web-1")], objects.Select(static o => o.Key));
        var service = ServiceResolver.Resolve(new("shop", "web"), (ServiceManifest)objects[0].Value, [(EndpointSliceManifest)objects[1].Value])!;
        Assert.Equal(["172.21.0.10", "fd00:21::10"], service.ClusterAddresses.Select(static a => a.ToString()));
        Assert.Equal(["203.0.113.1", "203.0.113.2"], service.ExternalAddresses.Select(static a => a.ToString()));
        Assert.Equal((TimeSpan.FromSeconds(30), true, true), (service.Affinity, service.InternalLocal, service.ExternalLocal));
        Assert.Equal([("http", "TCP", 80, 30080), ("dns", "UDP", 53, 0)], service.Ports.Select(static p => (p.Name, p.Protocol, (int)p.Port, (int)p.NodePort)));
        Assert.Equal([8080, 8080], service.Ports[0].Endpoints.Select(static e => (int)e.Port));
        Assert.Equal(5353, service.Ports[1].Endpoints[0].Port);
        var (first, second) = (service.Ports[0].Endpoints[0], service.Ports[0].Endpoints[1]);
        Assert.Equal((IPAddress.Parse("10.1.0.1"), true, true, false, "node-a"), (first.Address, first.Ready, first.Serving, first.Terminating, first.Node));
        Assert.Equal(["zone-a"], first.Zones);
        Assert.Equal((false, true, true, ""), (second.Ready, second.Serving, second.Terminating, second.Node));
    }

    [Fact]
    public void Json_and_lists_say_the_same()
    {
        const string service = """{"kind":"Service","metadata":{"name":"a"},"spec":{"clusterIP":"172.21.0.1","ports":[{"port":80}]}}""";
        const string slice = """{"metadata":{"name":"a-1","labels":{"kubernetes.io/service-name":"a"}},"endpoints":[{"addresses":["10.1.0.1"]}],"ports":[{"port":8080}],"addressType":"IPv4"}""";
        string[] texts =
        [
            $$"""{"apiVersion":"v1","kind":"List","items":[{{service}},{"kind":"EndpointSlice",{{slice[1..]}}]}""",
            $$"""{"items":[{{service}}],"kind":"List"} {"kind":"EndpointSliceList","items":[{{slice}}]}""",
            $$"""
            kind: List
            items:
            - {{service}}
            - {"kind":"EndpointSlice",{{slice[1..]}}
            """,
        ];
        foreach (var text in texts)
        {
            var objects = Read(text);
            Assert.Equal(["default/a", "default/a-1"], objects.Select(static o => $"{o.Key.Namespace}/{o.Key.Name}"));
            var resolved = ServiceResolver.Resolve(new("default", "a"), (ServiceManifest)objects[0].Value, [(EndpointSliceManifest)objects[1].Value])!;
            Assert.Equal(8080, Assert.Single(Assert.Single(resolved.Ports).Endpoints).Port);
        }

        Assert.Empty(Read(""));
        Assert.Empty(Read(" \n---\n# nothing\n"));
    }

    [Theory]
    [InlineData("clusterIP: None")]
    [InlineData("type: ExternalName")]
    [InlineData("clusterIPs: [None]")]
    [InlineData("ports: []")]
    public void Without_addresses_of_its_own_a_service_is_not_told(string spec)
    {
        var o = Assert.Single(Read($"kind: Service\nmetadata: {{ name: a }}\nspec:\n  {spec}\n"));
        Assert.Null(ServiceResolver.Resolve(new("default", "a"), (ServiceManifest)o.Value, []));
    }

    [Theory]
    [InlineData("kind: Service\nmetadata: { name: a }\nspec:\n  ports: [ { port: 70000 } ]\n", "line 1: Service: spec.ports[0].port is 70000")]
    [InlineData("---\n\nkind: Service\nmetadata: { name: a }\nspec: { clusterIP: nowhere }\n", "line 3: Service: spec.clusterIPs has nowhere")]
    [InlineData("kind: Service\nmetadata: { name: a\n", "line ")]
    [InlineData("kind: Service\nspec: &x { ports: [] }\n", "line 2: anchors")]
    [InlineData("kind: Service\nspec: {}\n", "line 1: Service: metadata.name is missing")]
    [InlineData("{\"kind\":\"Service\",\n\"metadata\":{\"name\":\"a\"},\n\"spec\":{\"ports\":[{\"port\":\"http\"}]}}", "line 3: Service: $.spec.ports[0].port")]
    [InlineData("{\"kind\":\"List\",\"items\":[\n{\"kind\":\"Service\",\"metadata\":{\"name\":\"a\"},\"spec\":{}},\n{\"kind\":\"Service\",\n\"metadata\":{\"name\":\"b\"},\"spec\":{\"ports\":[{\"port\":0}]}}]}", "line 3: Service: spec.ports[0].port is 0")]
    [InlineData("{\"kind\":\"Service\",\n\"metadata\":{\"name\":\"a\"", "line 2: ")]
    [InlineData("{\"spec\":{}}", "line 1: the object has no kind")]
    [InlineData("kind: Service\nmetadata: { name: a }\nspec:\n  ports: [ null ]\n", "line 1: Service: spec.ports[0] is empty")]
    [InlineData("kind: EndpointSlice\nmetadata: { name: a }\nendpoints: [ null ]\n", "line 1: EndpointSlice: endpoints[0].addresses is empty")]
    [InlineData("just text", "line 1: an object")]
    public void What_is_wrong_is_named_with_its_line(string text, string words)
    {
        var e = Assert.Throws<ManifestException>(() => Read(text));
        Assert.StartsWith(words, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ten_thousand_services_with_ten_endpoints_are_read_from_one_list()
    {
        var text = new StringBuilder("{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[");
        for (var n = 0; n < 10_000; n++)
        {
            var endpoints = Enumerable.Range(0, 10).Select(e =>
                $$$"""{"addresses":["10.{{{e + 1}}}.{{{n >> 8}}}.{{{n & 255}}}"],"nodeName":"node-{{{e}}}","zone":"zone-a","conditions":{"ready":true,"serving":true,"terminating":false}}""");
            text.Append(n > 0 ? "," : "").AppendLine(CultureInfo.InvariantCulture, $$$"""
                {"apiVersion":"v1","kind":"Service","metadata":{"name":"s{{{n}}}"},"spec":{"clusterIP":"172.22.{{{n >> 8}}}.{{{n & 255}}}","ports":[{"port":80,"targetPort":8080}]}},
                {"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"s{{{n}}}-1","labels":{"kubernetes.io/service-name":"s{{{n}}}"}},
                 "addressType":"IPv4","endpoints":[{{{string.Join(',', endpoints)}}}],"ports":[{"port":8080,"protocol":"TCP"}]}
                """);
        }

        var bytes = Encoding.UTF8.GetBytes(text.Append("]}").ToString());
        // It is read on this thread; the process has other tests beside it.
        var before = GC.GetAllocatedBytesForCurrentThread();
        var clock = Stopwatch.StartNew();
        var objects = new ManifestReader().Read(bytes);
        var elapsed = clock.ElapsedMilliseconds;
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        TestContext.Current.SendDiagnosticMessage(string.Create(
            CultureInfo.InvariantCulture, $"{bytes.Length >> 20} MiB read in {elapsed} ms, {allocated >> 20} MiB allocated"));
        Assert.Equal(20_000, objects.Count);
        // What is kept of them, and no copy of the text.
        Assert.InRange(allocated, 0, 128L << 20);
    }

    [Fact]
    public void Next_file_costs_what_it_has_in_it()
    {
        var text = """
            {"kind":"List","items":[
              {"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"spec":{"clusterIP":"172.21.0.1","ports":[{"port":80}]}},
              {"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"a-1","labels":{"kubernetes.io/service-name":"a"}},
               "addressType":"IPv4","endpoints":[{"addresses":["172.20.0.1"]}],"ports":[{"port":80,"protocol":"TCP"}]}]}
            """u8.ToArray();
        var reader = new ManifestReader();
        reader.Read(text);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(2, reader.Read(text).Count);
        // What System.Text.Json knows of the types is ten times as much.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 12_000);
    }

    [Fact]
    public void Any_bytes_are_read_or_refused()
    {
        Gen.Byte.Array[0, 200].Sample(static bytes => TryRead(bytes), iter: 3000);
        // Bytes of a real manifest, some of them others.
        var yaml = Encoding.UTF8.GetBytes(Yaml);
        var json = Encoding.UTF8.GetBytes("""{"kind":"List","items":[{"kind":"Service","metadata":{"name":"a"},"spec":{"clusterIP":"172.21.0.1","ports":[{"port":80}]}}]}""");
        Gen.Select(Gen.Bool, Gen.Select(Gen.Int[0, yaml.Length - 1], Gen.Byte).Array[1, 6], Gen.Int[0, yaml.Length]).Sample(
            (isYaml, changes, length) =>
            {
                var text = (byte[])(isYaml ? yaml : json).Clone();
                foreach (var (at, value) in changes) text[at % text.Length] = value;
                TryRead(text[..Math.Min(length, text.Length)]);
            },
            iter: 3000);
        TryRead(Encoding.UTF8.GetBytes(new string('[', 100_000)));
        TryRead(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":", 100_000))));
        TryRead(Encoding.UTF8.GetBytes("a: " + new string('[', 5_000)));
    }

    private static void TryRead(byte[] text)
    {
        try
        {
            new ManifestReader().Read(text);
        }
        catch (ManifestException)
        {
            // What it is for.
        }
    }

    private static IReadOnlyList<ManifestObject> Read(string text) => new ManifestReader().Read(Encoding.UTF8.GetBytes(text));
}
