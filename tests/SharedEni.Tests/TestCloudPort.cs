using Terway.AlibabaCloud.Errors;
using Terway.AlibabaCloud.Transport;

namespace Terway.Plugins.SharedEni.Tests;

/// <summary>The contract's cloud over the real transport, as the host has it.</summary>
internal sealed class TestCloudPort(ICloudTransport transport, CrashPoint crash) : ICloud
{
    private readonly Lock _gate = new();

    public List<string> Calls { get; } = [];

    /// <summary>The daemon is cut off from the cloud.</summary>
    public bool Unreachable { get; set; }

    /// <summary>The process ends right after this call has been carried out.</summary>
    public string? DieAfter { get; set; }

    public int CallCount
    {
        get
        {
            lock (_gate)
            {
                return Calls.Count;
            }
        }
    }

    public Task<byte[]> InvokeAsync(
        string product, string action, IReadOnlyList<KeyValuePair<string, string>> parameters, CancellationToken cancellationToken) =>
        crash.PassAsync(async () =>
        {
            lock (_gate)
            {
                Calls.Add(action);
            }

            if (Unreachable)
            {
                throw new CloudException(action, CloudErrorCodes.TransportError, "connection refused", outcomeUnknown: true);
            }

            try
            {
                // A process that ends does not take its request back.
                var answer = await transport.InvokeAsync(product, action, parameters, CancellationToken.None);
                crash.Dead |= action == DieAfter;
                return answer;
            }
            catch (CloudApiException e)
            {
                throw new CloudException(action, e.Code, e.Reason, e.RequestId, e.HttpStatus is null || (int)e.HttpStatus >= 500, e);
            }
        }, cancellationToken);
}
