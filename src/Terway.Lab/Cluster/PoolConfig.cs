namespace Terway.Lab.Cluster;

/// <summary>Configurations of node pools in the built-in region.</summary>
public static class PoolConfig
{
    /// <summary>A shared pool whose warm addresses cover a handful of pods.</summary>
    public static string Shared { get; } = SharedWith(minPool: 10, maxPool: 30);

    /// <summary>A shared pool with the given watermarks.</summary>
    public static string SharedWith(int minPool, int maxPool) => $$"""
        {
          "version": "1",
          "plugins": [ { "name": "SharedEni", "version": "[1.0,2.0)" } ],
          "vswitches": { "cn-hangzhou-i": ["vsw-lab-pods"] },
          "security_groups": ["sg-lab-cluster"],
          "min_pool_size": {{minPool}},
          "max_pool_size": {{maxPool}}
        }
        """;

    /// <summary>A shared pool whose pods are carried by eBPF.</summary>
    public static string AcceleratedWith(int minPool, int maxPool, string settings = "{}") => SharedWith(minPool, maxPool).Replace(
        "\"version\": \"[1.0,2.0)\" } ]", $"\"version\": \"[1.0,2.0)\" }}, {{ \"name\": \"DataPathV2\", \"settings\": {settings} }} ]", StringComparison.Ordinal);

    /// <summary>One or the other.</summary>
    public static string SharedOrAccelerated(bool accelerated, int minPool, int maxPool) =>
        accelerated ? AcceleratedWith(minPool, maxPool) : SharedWith(minPool, maxPool);

    /// <summary>A shared pool whose ENIs get prefixes of 16 addresses, watermarks in addresses.</summary>
    public static string PrefixesWith(int minPool, int maxPool) =>
        SharedWith(minPool, maxPool).Replace("\"version\": \"1\"", "\"version\": \"1\", \"enable_ip_prefix\": true", StringComparison.Ordinal);
}
