using Terway.AlibabaCloud.Errors;
using Terway.AlibabaCloud.Transport;
using Terway.Plugin;

namespace Terway.Host.Cloud;

/// <summary>The contract's view of the daemon's one OpenAPI transport: plugins share its credentials, rate limits and retries.</summary>
internal sealed class HostCloud(ICloudTransport transport, string region) : ICloud
{
    public async Task<byte[]> InvokeAsync(
        string product, string action, IReadOnlyList<KeyValuePair<string, string>> parameters, CancellationToken cancellationToken)
    {
        try
        {
            var all = parameters.Any(static p => p.Key == "RegionId") ? parameters : [new("RegionId", region), .. parameters];
            return await transport.InvokeAsync(product, action, all, cancellationToken).ConfigureAwait(false);
        }
        catch (CloudApiException e)
        {
            throw Translate(e);
        }
    }

    /// <summary>The contract's form of a failed call.</summary>
    public static CloudException Translate(CloudApiException e) => new(e.Action, e.Code, e.Reason, e.RequestId, e.OutcomeUnknown, e);
}
