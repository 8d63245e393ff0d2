using System.Security.Cryptography;
using System.Text;

namespace Terway.Cni.Wire;

/// <summary>Where the entrypoint and the daemon meet on a node when the configuration does not say otherwise.</summary>
internal static class CniPaths
{
    /// <summary>Unix stream socket of the daemon, root's, 0600. Configuration key <c>daemonSocket</c>.</summary>
    public const string DefaultDaemonSocket = "/var/run/eni/cni.socket";

    /// <summary>
    /// Folder of DELs that came while the daemon was down, one <see cref="CniRequest"/> as JSON per file. Configuration key <c>spoolDir</c>.
    /// Complete files end in <see cref="SpoolSuffix"/>; anything else there is being written, or a left-over of a crash.
    /// </summary>
    public const string DefaultSpoolDir = "/var/lib/cni/terway/spool";

    /// <summary>End of the name of every complete spool file.</summary>
    public const string SpoolSuffix = ".del.json";

    /// <summary>
    /// Name of the spool file of one pod interface: a hash, so that any container id gives a safe name and a repeated DEL replaces its file.
    /// The daemon deletes the file after it has done the DEL, comparing nothing: a DEL of the same interface is idempotent.
    /// </summary>
    public static string SpoolFileName(string containerId, string ifName)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(containerId + "\0" + ifName));
        return Convert.ToHexStringLower(hash.AsSpan(0, 20)) + SpoolSuffix;
    }
}
