using System.Globalization;
using System.Net;
using System.Text.Json;
using Terway.AlibabaCloud.Errors;
using Terway.AlibabaCloud.Transport;

namespace Terway.AlibabaCloud.Network;

/// <summary>
/// <see cref="ICloudNetwork"/> over a transport. Given a delegate, it expects that to throw this assembly's
/// <see cref="CloudApiException"/>: where the host's transport is in another load context, the adapter translates.
/// </summary>
public sealed class CloudNetwork : ICloudNetwork
{
    private const int IdsPerDescribe = 100;
    private const int TypesPerDescribe = 10;
    private const int MaxPages = 1000;

    private readonly CloudInvoke _invoke;

    /// <summary>Calls through <paramref name="invoke"/>.</summary>
    public CloudNetwork(CloudInvoke invoke)
    {
        ArgumentNullException.ThrowIfNull(invoke);
        _invoke = invoke;
    }

    /// <summary>Calls through <paramref name="transport"/>.</summary>
    public CloudNetwork(ICloudTransport transport)
    {
        ArgumentNullException.ThrowIfNull(transport);
        _invoke = transport.InvokeAsync;
    }

    /// <inheritdoc/>
    public Task<CreateNetworkInterfaceResponse> CreateNetworkInterfaceAsync(CreateNetworkInterfaceRequest request, CancellationToken ct) =>
        CallAsync(CloudProduct.Ecs, "CreateNetworkInterface", request.ToParameters(),
            static r => new CreateNetworkInterfaceResponse { RequestId = ResponseParser.RequestId(r), NetworkInterface = ResponseParser.Eni(r) }, ct);

    /// <inheritdoc/>
    public Task<AcknowledgedResponse> AttachNetworkInterfaceAsync(AttachNetworkInterfaceRequest request, CancellationToken ct) =>
        AcknowledgeAsync("AttachNetworkInterface", request, static _ => false, ct);

    /// <inheritdoc/>
    public Task<AcknowledgedResponse> DetachNetworkInterfaceAsync(DetachNetworkInterfaceRequest request, CancellationToken ct) =>
        AcknowledgeAsync("DetachNetworkInterface", request, static c => c is CloudErrorCodes.EniNotFound or CloudErrorCodes.InstanceNotFound, ct);

    /// <inheritdoc/>
    public Task<AcknowledgedResponse> DeleteNetworkInterfaceAsync(DeleteNetworkInterfaceRequest request, CancellationToken ct) =>
        AcknowledgeAsync("DeleteNetworkInterface", request, static c => c is CloudErrorCodes.EniNotFound, ct);

    /// <inheritdoc/>
    public async Task<DescribeNetworkInterfacesResponse> DescribeNetworkInterfacesAsync(DescribeNetworkInterfacesRequest request, CancellationToken ct)
    {
        // A page boundary can move while pages are read; the later sight of an ENI is the truer one.
        Dictionary<string, Eni> found = new(StringComparer.Ordinal);
        string requestId = "";
        foreach (IReadOnlyList<string> portion in Portions(request.NetworkInterfaceIds, IdsPerDescribe))
        {
            requestId = await ReadPagesAsync("DescribeNetworkInterfaces", (request with { NetworkInterfaceIds = portion }).ToParameters(),
                root => ResponseParser.Items(root, "NetworkInterfaceSets", "NetworkInterfaceSet", ResponseParser.Eni).ForEach(e => found[e.NetworkInterfaceId] = e), ct);
        }

        return new DescribeNetworkInterfacesResponse { RequestId = requestId, NetworkInterfaceSets = [.. found.Values] };
    }

    /// <inheritdoc/>
    public Task<AssignPrivateIpAddressesResponse> AssignPrivateIpAddressesAsync(AssignPrivateIpAddressesRequest request, CancellationToken ct) =>
        CallAsync(CloudProduct.Ecs, "AssignPrivateIpAddresses", request.ToParameters(),
            static r =>
            {
                JsonElement set = ResponseParser.Property(r, "AssignedPrivateIpAddressesSet")
                    ?? throw new FormatException("AssignedPrivateIpAddressesSet is missing");
                return new AssignPrivateIpAddressesResponse
                {
                    RequestId = ResponseParser.RequestId(r),
                    NetworkInterfaceId = ResponseParser.Text(set, "NetworkInterfaceId"),
                    PrivateIpSet = Addresses(set, "PrivateIpSet", "PrivateIpAddress"),
                    Ipv4PrefixSet = Networks(set, "Ipv4PrefixSet", "Ipv4Prefixes"),
                };
            }, ct);

    /// <inheritdoc/>
    public async Task<AcknowledgedResponse> UnassignPrivateIpAddressesAsync(UnassignPrivateIpAddressesRequest request, CancellationToken ct)
    {
        AcknowledgedResponse? first = await UnassignAsync("UnassignPrivateIpAddresses", request, request.PrivateIpAddresses.Count + request.Ipv4Prefixes.Count, ct);
        if (first is not null)
            return first;
        Eni? eni = await DescribeOneAsync(request.NetworkInterfaceId, ct);
        UnassignPrivateIpAddressesRequest rest = request with
        {
            PrivateIpAddresses = [.. request.PrivateIpAddresses.Where(a => eni?.PrivateIpSets.Any(s => s.PrivateIpAddress.Equals(a)) ?? false)],
            Ipv4Prefixes = [.. request.Ipv4Prefixes.Where(p => eni?.Ipv4PrefixSets.Contains(p) ?? false)],
        };
        return await UnassignRestAsync("UnassignPrivateIpAddresses", rest, rest.PrivateIpAddresses.Count + rest.Ipv4Prefixes.Count, ct);
    }

    /// <inheritdoc/>
    public Task<AssignIpv6AddressesResponse> AssignIpv6AddressesAsync(AssignIpv6AddressesRequest request, CancellationToken ct) =>
        CallAsync(CloudProduct.Ecs, "AssignIpv6Addresses", request.ToParameters(),
            static r => new AssignIpv6AddressesResponse
            {
                RequestId = ResponseParser.RequestId(r),
                NetworkInterfaceId = ResponseParser.Text(r, "NetworkInterfaceId"),
                Ipv6Sets = Addresses(r, "Ipv6Sets", "Ipv6Address"),
                Ipv6PrefixSets = Networks(r, "Ipv6PrefixSets", "Ipv6Prefix"),
            }, ct);

    /// <inheritdoc/>
    public async Task<AcknowledgedResponse> UnassignIpv6AddressesAsync(UnassignIpv6AddressesRequest request, CancellationToken ct)
    {
        AcknowledgedResponse? first = await UnassignAsync("UnassignIpv6Addresses", request, request.Ipv6Addresses.Count + request.Ipv6Prefixes.Count, ct);
        if (first is not null)
            return first;
        Eni? eni = await DescribeOneAsync(request.NetworkInterfaceId, ct);
        UnassignIpv6AddressesRequest rest = request with
        {
            Ipv6Addresses = [.. request.Ipv6Addresses.Where(a => eni?.Ipv6Sets.Contains(a) ?? false)],
            Ipv6Prefixes = [.. request.Ipv6Prefixes.Where(p => eni?.Ipv6PrefixSets.Contains(p) ?? false)],
        };
        return await UnassignRestAsync("UnassignIpv6Addresses", rest, rest.Ipv6Addresses.Count + rest.Ipv6Prefixes.Count, ct);
    }

    /// <inheritdoc/>
    public async Task<DescribeInstanceTypesResponse> DescribeInstanceTypesAsync(DescribeInstanceTypesRequest request, CancellationToken ct)
    {
        List<InstanceTypeLimits> found = [];
        string requestId = "";
        foreach (IReadOnlyList<string> portion in Portions(request.InstanceTypes, TypesPerDescribe))
        {
            requestId = await ReadPagesAsync("DescribeInstanceTypes", (request with { InstanceTypes = portion }).ToParameters(),
                root => found.AddRange(ResponseParser.Items(root, "InstanceTypes", "InstanceType", ResponseParser.InstanceType)), ct);
        }

        return new DescribeInstanceTypesResponse { RequestId = requestId, InstanceTypes = found };
    }

    /// <inheritdoc/>
    public async Task<DescribeVSwitchesResponse> DescribeVSwitchesAsync(DescribeVSwitchesRequest request, CancellationToken ct)
    {
        List<VSwitch> found = [];
        List<KeyValuePair<string, string>> filter = request.ToParameters();
        for (int page = 1; page <= MaxPages; page++)
        {
            KeyValuePair<string, string> number = new("PageNumber", page.ToString(CultureInfo.InvariantCulture));
            (List<VSwitch> items, long total, string requestId) = await CallAsync(CloudProduct.Vpc, "DescribeVSwitches", [.. filter, number],
                static r => (ResponseParser.Items(r, "VSwitches", "VSwitch", ResponseParser.VSwitch),
                    ResponseParser.Long(r, "TotalCount") ?? 0, ResponseParser.RequestId(r)), ct);
            found.AddRange(items);
            if (items.Count == 0 || found.Count >= total)
                return new DescribeVSwitchesResponse { RequestId = requestId, VSwitches = found };
        }

        throw Endless(CloudProduct.Vpc, "DescribeVSwitches");
    }

    private static IEnumerable<IReadOnlyList<string>> Portions(IReadOnlyList<string> all, int size) => all.Count == 0 ? [[]] : all.Chunk(size);

    private static List<IPAddress> Addresses(JsonElement parent, string outer, string inner) =>
        ResponseParser.Items(parent, outer, inner, e => ResponseParser.Address(ResponseParser.PlainText(e, inner), inner));

    private static List<IPNetwork> Networks(JsonElement parent, string outer, string inner) =>
        ResponseParser.Items(parent, outer, inner, e => ResponseParser.Network(ResponseParser.PlainText(e, inner), inner));

    private static CloudApiException Endless(string product, string action) =>
        new(product, action, CloudErrorCodes.MalformedResponse, $"the answer has more than {MaxPages} pages, or pages that lead back to each other.", HttpStatusCode.OK);

    private async Task<string> ReadPagesAsync(
        string action, List<KeyValuePair<string, string>> parameters, Action<JsonElement> read, CancellationToken ct)
    {
        string next = "";
        for (int page = 0; page < MaxPages; page++)
        {
            List<KeyValuePair<string, string>> sent = next.Length == 0 ? parameters : [.. parameters, new("NextToken", next)];
            (string following, string requestId) = await CallAsync(CloudProduct.Ecs, action, sent, root =>
            {
                read(root);
                return (ResponseParser.Text(root, "NextToken"), ResponseParser.RequestId(root));
            }, ct);
            if (following.Length == 0)
                return requestId;
            if (following == next)
                break;
            next = following;
        }

        throw Endless(CloudProduct.Ecs, action);
    }

    private async Task<AcknowledgedResponse> AcknowledgeAsync(string action, CloudRequest request, Func<string, bool> isGone, CancellationToken ct)
    {
        try
        {
            return await CallAsync(CloudProduct.Ecs, action, request.ToParameters(),
                static r => new AcknowledgedResponse { RequestId = ResponseParser.RequestId(r) }, ct);
        }
        catch (CloudApiException e) when (isGone(e.Code))
        {
            return new AcknowledgedResponse { RequestId = e.RequestId ?? "", WasGone = true };
        }
    }

    /// <summary>Null when one of several addresses was not assigned, so that nobody knows about the others.</summary>
    private async Task<AcknowledgedResponse?> UnassignAsync(string action, CloudRequest request, int count, CancellationToken ct)
    {
        try
        {
            return await AcknowledgeAsync(action, request,
                code => code is CloudErrorCodes.EniNotFound || (code is CloudErrorCodes.IpUnassigned && count == 1), ct);
        }
        catch (CloudApiException e) when (e.Code is CloudErrorCodes.IpUnassigned)
        {
            return null;
        }
    }

    private async Task<AcknowledgedResponse> UnassignRestAsync(string action, CloudRequest rest, int count, CancellationToken ct) =>
        count == 0
            ? new AcknowledgedResponse { WasGone = true }
            : await AcknowledgeAsync(action, rest, static code => code is CloudErrorCodes.EniNotFound, ct);

    private async Task<Eni?> DescribeOneAsync(string id, CancellationToken ct)
    {
        DescribeNetworkInterfacesResponse response =
            await DescribeNetworkInterfacesAsync(new DescribeNetworkInterfacesRequest { NetworkInterfaceIds = [id] }, ct);
        return response.NetworkInterfaceSets.FirstOrDefault(e => e.NetworkInterfaceId == id);
    }

    private async Task<T> CallAsync<T>(
        string product, string action, List<KeyValuePair<string, string>> parameters, Func<JsonElement, T> read, CancellationToken ct)
    {
        byte[] body = await _invoke(product, action, parameters, ct);
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            return read(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException)
        {
            throw new CloudApiException(product, action, CloudErrorCodes.MalformedResponse, $"the answer cannot be understood: {e.Message}.", HttpStatusCode.OK, inner: e);
        }
    }
}
