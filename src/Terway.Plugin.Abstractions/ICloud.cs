namespace Terway.Plugin;

/// <summary>
/// The cloud's OpenAPI as the host calls it: signed, rate-limited per operation for the whole node, retried where that is safe, counted.
/// A plugin brings its own typed view of operations and answers. Thread-safe.
/// </summary>
public interface ICloud
{
    /// <summary>Calls one operation and gives the body of a successful answer (UTF-8 JSON).</summary>
    /// <param name="product"><c>ecs</c> or <c>vpc</c>.</param>
    /// <param name="action">The operation, such as <c>AssignPrivateIpAddresses</c>.</param>
    /// <param name="parameters">Flattened RPC parameters. RegionId is added when absent. Operations that create something should carry a
    /// ClientToken: without one they are not retried after a transport error.</param>
    /// <param name="cancellationToken">Ends the wait; the cloud may still carry the operation out.</param>
    /// <exception cref="CloudException">The cloud refused, or no answer was had.</exception>
    Task<byte[]> InvokeAsync(
        string product, string action, IReadOnlyList<KeyValuePair<string, string>> parameters, CancellationToken cancellationToken);
}
