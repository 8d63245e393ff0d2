namespace Terway.Host.Cni;

/// <summary>CNI_ARGS: pairs "K=V" separated by ';'. Kubernetes runtimes name the pod in it.</summary>
internal static class CniArgs
{
    /// <summary>Later pairs win; pieces without '=' are skipped, as libcni's callers send IgnoreUnknown.</summary>
    public static Dictionary<string, string> Parse(string args)
    {
        var pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var piece in args.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var equals = piece.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0) pairs[piece[..equals]] = piece[(equals + 1)..];
        }

        return pairs;
    }
}
