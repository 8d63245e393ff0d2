namespace Terway.Linux.Netlink;

/// <summary>A request just appended to a batch.</summary>
public readonly struct RtnlRequest
{
    private readonly RtnlBatch _batch;

    internal RtnlRequest(RtnlBatch batch, int index)
    {
        _batch = batch;
        Index = index;
    }

    /// <summary>Its place in the batch, and in the results.</summary>
    public int Index { get; }

    /// <summary>These errors count as success, e.g. EEXIST for an add and ENOENT, ESRCH, ENODEV for a delete. At most four in all.</summary>
    public RtnlRequest Ignore(params ReadOnlySpan<int> errnos)
    {
        _batch.Ignore(Index, errnos);
        return this;
    }
}

/// <summary>The kernel's answer to one request of a batch.</summary>
/// <param name="Errno">0 for success</param>
/// <param name="KernelMessage">the kernel's own words, where it gave any; also possible with success, as a warning</param>
/// <param name="Ignored">the error was one that the request ignores</param>
public readonly record struct RtnlResult(int Errno, string? KernelMessage, bool Ignored)
{
    /// <summary>Done, or failed in a way that the request ignores.</summary>
    public bool Succeeded => Errno == 0 || Ignored;
}
