namespace Terway.AlibabaCloud.Network;

/// <summary>What every request has.</summary>
public abstract record CloudRequest
{
    /// <summary>
    /// Parameters this client has no property for, flattened as on the wire (<c>Ipv6AddressCount=1</c>). One that a
    /// property sets already is refused with an <see cref="ArgumentException"/>.
    /// </summary>
    public IReadOnlyList<KeyValuePair<string, string>> ExtraParameters { get; init; } = [];

    internal abstract void Write(RequestParameters parameters);

    internal List<KeyValuePair<string, string>> ToParameters()
    {
        RequestParameters parameters = new();
        Write(parameters);
        foreach ((string name, string value) in ExtraParameters)
            parameters.Add(name, value);
        return parameters.ToList();
    }
}
