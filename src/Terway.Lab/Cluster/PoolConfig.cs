namespace Terway.Lab.Cluster;

/// <summary>Configurations of node pools in the built-in region.</summary>
public static class PoolConfig
{
    /// <summary>A shared pool whose warm addresses cover a handful of pods.</summary>
    public static string Shared { get; } = SharedWith(minPool: 10, maxPool: 30);

    /// <summary>A pool of ENIs for a pod each, one of them attached ahead of need.</summary>
    public static string Exclusive { get; } = ExclusiveWith(minPool: 1, maxPool: 2);

    /// <summary>What a node of a region's file can name as its pool.</summary>
    public static IReadOnlyDictionary<string, string> ByName { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["shared"] = Shared,
        ["exclusive"] = Exclusive,
        ["dual"] = Dual(Shared),
    };

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

    /// <summary>A pool of ENIs for a pod each, watermarks in ENIs.</summary>
    /// <param name="minPool">ENIs kept attached ahead of need.</param>
    /// <param name="maxPool">Idle ENIs above this go.</param>
    public static string ExclusiveWith(int minPool, int maxPool) => $$"""
        {
          "version": "1",
          "plugins": [ { "name": "ExclusiveEni", "version": "[1.0,2.0)" } ],
          "vswitches": { "cn-hangzhou-i": ["vsw-lab-pods"] },
          "security_groups": ["sg-lab-cluster"],
          "service_cidr": "172.21.0.0/20",
          "host_stack_cidrs": ["169.254.20.10/32"],
          "min_pool_size": {{minPool}},
          "max_pool_size": {{maxPool}}
        }
        """;

    /// <summary>A shared pool whose pods have an IPv6 address too.</summary>
    public static string DualWith(int minPool, int maxPool) => Dual(SharedWith(minPool, maxPool));

    /// <summary>A pool as <paramref name="pool"/>, shared or exclusive, with dual stack.</summary>
    public static string Dual(string pool)
    {
        ArgumentNullException.ThrowIfNull(pool);
        const string first = "\"version\": \"[1.0,2.0)\" }";
        return pool.Insert(pool.IndexOf(first, StringComparison.Ordinal) + first.Length, ", { \"name\": \"IPv6DualStack\", \"version\": \"[1.0,2.0)\" }");
    }

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
