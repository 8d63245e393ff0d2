using Terway.AlibabaCloud.Network;

namespace Terway.EniPool.Cloud;

/// <summary>Looks ENIs up by id; questions that come within a moment of each other are one call.</summary>
internal sealed class DescribeBatch(EniCloud cloud, TimeProvider time, CancellationToken stopping)
{
    private static readonly TimeSpan s_window = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private HashSet<string> _ids = [];
    private Task<Dictionary<string, Eni>>? _next;

    /// <summary>The ENI; null when the cloud does not know it.</summary>
    /// <exception cref="CloudException">The cloud refused or could not be reached.</exception>
    public async Task<Eni?> DescribeAsync(string eniId, CancellationToken cancellationToken)
    {
        Task<Dictionary<string, Eni>> batch;
        lock (_gate)
        {
            _ids.Add(eniId);
            batch = _next ??= RunAsync();
        }

        return (await batch.WaitAsync(cancellationToken)).GetValueOrDefault(eniId);
    }

    private async Task<Dictionary<string, Eni>> RunAsync()
    {
        await Task.Delay(s_window, time, stopping).ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        HashSet<string> ids;
        lock (_gate)
        {
            (ids, _ids, _next) = (_ids, [], null);
        }

        var found = await cloud.DescribeAsync(new() { NetworkInterfaceIds = [.. ids] }, stopping);
        return found.ToDictionary(e => e.NetworkInterfaceId);
    }
}
