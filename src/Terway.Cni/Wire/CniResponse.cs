namespace Terway.Cni.Wire;

/// <summary>The daemon's answer to one <see cref="CniRequest"/>.</summary>
internal sealed record CniResponse
{
    /// <summary>True: the call succeeded and <see cref="Stdout"/> is printed. False: the error members are.</summary>
    public bool Ok { get; init; }

    /// <summary>The exact JSON text for stdout, already in the cniVersion of the request's configuration. Null when the verb prints nothing.</summary>
    public string? Stdout { get; init; }

    /// <summary>One of <see cref="CniErrorCode"/> or a value from 100 up. Read only when <see cref="Ok"/> is false.</summary>
    public int ErrorCode { get; init; }

    /// <summary>One sentence: what failed, on which object, why, what to do next.</summary>
    public string? ErrorMessage { get; init; }

    /// <summary>Longer text: request ids of the cloud, inner errors.</summary>
    public string? ErrorDetails { get; init; }

    public static CniResponse Success(string? stdout = null) => new() { Ok = true, Stdout = stdout };

    public static CniResponse Failure(int code, string message, string? details = null) =>
        new() { ErrorCode = code, ErrorMessage = message, ErrorDetails = details };
}
