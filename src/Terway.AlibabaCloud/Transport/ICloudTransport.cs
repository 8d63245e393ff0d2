namespace Terway.AlibabaCloud.Transport;

/// <summary>
/// Sends one OpenAPI call and gives back the body of a successful answer. Signing, endpoints, rate limits and retries
/// are behind it; what the parameters and the answer mean is not.
/// </summary>
public interface ICloudTransport
{
    /// <summary>Calls <paramref name="action"/> of <paramref name="product"/>. Safe to call from any thread.</summary>
    /// <param name="product"><see cref="CloudProduct.Ecs"/> or <see cref="CloudProduct.Vpc"/>.</param>
    /// <param name="action">The API's name, e.g. <c>DescribeNetworkInterfaces</c>.</param>
    /// <param name="parameters">Flattened parameters (<c>Tag.1.Key</c>), in any order, each name once.</param>
    /// <param name="ct">Cancels waiting for the rate limit, the request and the pauses between tries.</param>
    /// <returns>The JSON body.</returns>
    /// <exception cref="Errors.CloudApiException">The API refused, or could not be reached.</exception>
    Task<byte[]> InvokeAsync(string product, string action, IReadOnlyList<KeyValuePair<string, string>> parameters, CancellationToken ct);
}
