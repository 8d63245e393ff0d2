using Terway.AlibabaCloud.Transport;

namespace Terway.Host.CrashPoints;

/// <summary>The cloud's points: one for each action, whoever calls it.</summary>
internal sealed class CrashingTransport(ICloudTransport inner, CrashPlan plan) : ICloudTransport
{
    public async Task<byte[]> InvokeAsync(string product, string action, IReadOnlyList<KeyValuePair<string, string>> parameters, CancellationToken ct)
    {
        var point = PointNames.OfCloud(action);
        plan.Pass(point, CrashMoment.Before);
        var answer = await inner.InvokeAsync(product, action, parameters, ct).ConfigureAwait(false);
        plan.Pass(point, CrashMoment.After);
        return answer;
    }
}
