namespace Terway.AlibabaCloud.Transport;

/// <summary>The products this client speaks to, and the API version of each.</summary>
public static class CloudProduct
{
    /// <summary>Elastic Compute Service: instances and network interfaces.</summary>
    public const string Ecs = "ecs";

    /// <summary>Virtual Private Cloud: vSwitches.</summary>
    public const string Vpc = "vpc";

    /// <summary>The <c>x-acs-version</c> of <paramref name="product"/>.</summary>
    /// <exception cref="ArgumentException">The product is not one of the constants of this class.</exception>
    public static string VersionOf(string product) => product switch
    {
        Ecs => "2014-05-26",
        Vpc => "2016-04-28",
        _ => throw new ArgumentException($"Unknown cloud product '{product}': this client speaks '{Ecs}' and '{Vpc}'.", nameof(product)),
    };
}
