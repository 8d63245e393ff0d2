namespace Terway.AlibabaCloud.Transport;

/// <summary>Where each product answers.</summary>
public sealed class CloudEndpoints
{
    private readonly Dictionary<string, Uri> _byProduct;

    private CloudEndpoints(Dictionary<string, Uri> byProduct) => _byProduct = byProduct;

    /// <summary>
    /// Resolves endpoints: the explicit one, else the environment variable (<c>ECS_ENDPOINT</c>, <c>VPC_ENDPOINT</c>), else
    /// the region's endpoint inside VPCs (<c>https://ecs-vpc.{region}.aliyuncs.com</c>) or, with
    /// <c>ALICLOUD_ENDPOINT_TYPE=public</c>, the public one. <c>ALICLOUD_CLIENT_SCHEME</c> replaces <c>https</c> where an
    /// endpoint does not name a scheme itself.
    /// </summary>
    /// <param name="region">Region id, e.g. <c>cn-hangzhou</c>.</param>
    /// <param name="ecsEndpoint">Host, host:port or URL; null or empty to look further.</param>
    /// <param name="vpcEndpoint">As <paramref name="ecsEndpoint"/>.</param>
    /// <param name="environment">Reads an environment variable; null for the process's own.</param>
    /// <exception cref="ArgumentException">No region, or an endpoint that is not a URL.</exception>
    public static CloudEndpoints Resolve(
        string region, string? ecsEndpoint = null, string? vpcEndpoint = null, Func<string, string?>? environment = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(region);
        environment ??= Environment.GetEnvironmentVariable;
        string scheme = string.Equals(environment("ALICLOUD_CLIENT_SCHEME"), "http", StringComparison.OrdinalIgnoreCase) ? "http" : "https";
        string network = string.Equals(environment("ALICLOUD_ENDPOINT_TYPE"), "public", StringComparison.OrdinalIgnoreCase) ? "" : "-vpc";

        Uri Pick(string product, string? given, string variable)
        {
            string? value = FirstNonEmpty(given, environment(variable)) ?? $"{product}{network}.{region}.aliyuncs.com";
            string url = value.Contains("://", StringComparison.Ordinal) ? value : $"{scheme}://{value}";
            if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https") || uri.Host.Length == 0)
                throw new ArgumentException($"The {product} endpoint '{value}' is not a host, host:port or http(s) URL. Correct {variable} or the configured endpoint.");
            return new UriBuilder(uri.Scheme, uri.Host, uri.Port, "/").Uri;
        }

        return new CloudEndpoints(new Dictionary<string, Uri>(StringComparer.Ordinal)
        {
            [CloudProduct.Ecs] = Pick(CloudProduct.Ecs, ecsEndpoint, "ECS_ENDPOINT"),
            [CloudProduct.Vpc] = Pick(CloudProduct.Vpc, vpcEndpoint, "VPC_ENDPOINT"),
        });
    }

    /// <summary>The endpoint of <paramref name="product"/>; its path is always "/".</summary>
    public Uri For(string product) => _byProduct.TryGetValue(product, out Uri? uri)
        ? uri
        : throw new ArgumentException($"Unknown cloud product '{product}'.", nameof(product));

    private static string? FirstNonEmpty(string? a, string? b) =>
        !string.IsNullOrWhiteSpace(a) ? a.Trim() : !string.IsNullOrWhiteSpace(b) ? b.Trim() : null;
}
