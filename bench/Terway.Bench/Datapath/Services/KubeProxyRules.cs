using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Terway.Lab.Nodes;

namespace Terway.Bench.Datapath.Services;

/// <summary>The nat table that kube-proxy would write in its iptables mode: a chain for each Service and each endpoint, chosen by chance, DNAT, and a mark for masquerading.</summary>
internal static class KubeProxyRules
{
    private const string Cluster4 = "10.0.0.0/16";
    private const string Cluster6 = "2408:4005:1000::/56";
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    /// <summary>Replaces the node's nat table.</summary>
    /// <returns>Seconds that it takes.</returns>
    public static double Load(LabNode node, ServiceSet set)
    {
        var rules = Write(set);
        var start = new ProcessStartInfo("nsenter") { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardError = true };
        var program = set.Family == AddressFamily.InterNetwork ? "iptables-restore" : "ip6tables-restore";
        foreach (var argument in (string[])[$"--net={node.NetNsPath}", "--", program]) start.ArgumentList.Add(argument);
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        process.StandardInput.Write(rules);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? clock.Elapsed.TotalSeconds : throw new InvalidOperationException($"{program} in {node.Name}: {error}");
    }

    public static string Write(ServiceSet set)
    {
        var (chains, services, rules) = (new StringBuilder(), new StringBuilder(), new StringBuilder());
        var (bits, cluster) = set.Family == AddressFamily.InterNetwork ? (32, Cluster4) : (128, Cluster6);
        for (var i = 0; i < set.Count; i++)
        {
            foreach (var protocol in set.ProtocolsOf(i)) Append(i, protocol);
        }

        return $"""
            *nat
            :PREROUTING ACCEPT [0:0]
            :INPUT ACCEPT [0:0]
            :OUTPUT ACCEPT [0:0]
            :POSTROUTING ACCEPT [0:0]
            :KUBE-SERVICES - [0:0]
            :KUBE-MARK-MASQ - [0:0]
            :KUBE-POSTROUTING - [0:0]
            {chains}-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
            -A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
            -A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
            -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
            -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
            -A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
            -A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
            {services}{rules}COMMIT

            """;

        void Append(int i, string protocol)
        {
            var name = $"bench/{ServiceSet.NameOf(i)}:{protocol}";
            var service = ChainOf("SVC", name);
            var destination = string.Create(
                CultureInfo.InvariantCulture, $"-d {set.AddressOf(i)}/{bits} -p {protocol} -m comment --comment \"{name} cluster IP\" -m {protocol} --dport {ServiceSet.Port}");
            chains.Append(CultureInfo.InvariantCulture, $":{service} - [0:0]\n");
            services.Append(CultureInfo.InvariantCulture, $"-A KUBE-SERVICES {destination} -j {service}\n");
            rules.Append(CultureInfo.InvariantCulture, $"-A {service} ! -s {cluster} {destination} -j KUBE-MARK-MASQ\n");
            var backends = set.BackendsOf(i).ToList();
            for (var e = 0; e < backends.Count; e++)
            {
                var endpoint = ChainOf("SEP", $"{name} {backends[e]}");
                // The first of ten with one tenth, the second with one ninth of what is left, ...; the last takes the rest.
                var chance = e == backends.Count - 1
                    ? ""
                    : string.Create(CultureInfo.InvariantCulture, $" -m statistic --mode random --probability {1.0 / (backends.Count - e):0.00000000000}");
                chains.Append(CultureInfo.InvariantCulture, $":{endpoint} - [0:0]\n");
                rules.Append(CultureInfo.InvariantCulture, $"-A {service} -m comment --comment \"{name}\"{chance} -j {endpoint}\n");
                rules.Append(CultureInfo.InvariantCulture, $"-A {endpoint} -s {backends[e].Address}/{bits} -m comment --comment \"{name}\" -j KUBE-MARK-MASQ\n");
                rules.Append(CultureInfo.InvariantCulture, $"-A {endpoint} -p {protocol} -m comment --comment \"{name}\" -m {protocol} -j DNAT --to-destination {backends[e]}\n");
            }
        }
    }

    // As kube-proxy's: 16 letters of a hash, since the kernel's names are short.
    private static string ChainOf(string kind, string name)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(name), hash);
        var chain = new StringBuilder($"KUBE-{kind}-");
        foreach (var part in hash[..16]) chain.Append(Letters[part % Letters.Length]);
        return chain.ToString();
    }
}
