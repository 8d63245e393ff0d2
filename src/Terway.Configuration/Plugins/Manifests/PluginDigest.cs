using System.Security.Cryptography;
using System.Text;

namespace Terway.Configuration.Plugins.Manifests;

/// <summary>
/// The digest of a plugin's folder: SHA-256 over one line <c>hash  path</c> per file, sorted by path as bytes. An operator has the same from
/// <c>find . -type f -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum</c>.
/// </summary>
internal static class PluginDigest
{
    private const int Digits = 2 * SHA256.HashSizeInBytes;

    private static readonly EnumerationOptions s_everything = new()
    {
        RecurseSubdirectories = true,
        AttributesToSkip = FileAttributes.None,
        IgnoreInaccessible = false,
    };

    /// <summary>Computes the digest as 64 lower-case hex digits.</summary>
    /// <exception cref="InvalidDataException">The folder holds something that a digest over files does not cover.</exception>
    public static string Compute(string folder)
    {
        var files = new List<(byte[] Path, string Full)>();
        foreach (var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos("*", s_everything))
        {
            if (entry.LinkTarget is not null)
                throw new InvalidDataException($"'{entry.Name}' is a symbolic link, which a digest does not cover; replace it by the file");
            if (entry is FileInfo)
                files.Add((Encoding.UTF8.GetBytes(Path.GetRelativePath(folder, entry.FullName)), entry.FullName));
        }
        files.Sort((a, b) => a.Path.AsSpan().SequenceCompareTo(b.Path));

        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (path, full) in files)
        {
            using var content = File.OpenRead(full);
            digest.AppendData(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(content)) + "  "));
            digest.AppendData(path);
            digest.AppendData("\n"u8);
        }
        return Convert.ToHexStringLower(digest.GetHashAndReset());
    }

    /// <summary>Whether a text is a SHA-256 in hex.</summary>
    public static bool IsDigest(string text) => text.Length == Digits && text.All(char.IsAsciiHexDigit);

}
