namespace Terway.AlibabaCloud.Transport;

/// <summary>
/// <see cref="ICloudTransport.InvokeAsync"/> as a delegate: what a plugin gives to the typed layer when the transport
/// is the host's and only base types can cross between the two.
/// </summary>
public delegate Task<byte[]> CloudInvoke(
    string product, string action, IReadOnlyList<KeyValuePair<string, string>> parameters, CancellationToken ct);
