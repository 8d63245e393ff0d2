using System.Formats.Tar;
using System.IO.Compression;
using System.Text;

namespace Terway.Cli.Bundle;

/// <summary>A tar.gz that root alone may read. Every text passes the redaction on its way in.</summary>
internal sealed class BundleWriter : IDisposable
{
    private readonly TarWriter _tar;
    private readonly GZipStream _zip;
    private readonly Redaction _redaction;
    private readonly string _folder;
    private readonly DateTimeOffset _now;

    /// <param name="file">Where to write to; closed with this.</param>
    /// <param name="folder">Folder that everything in the archive is in.</param>
    /// <param name="redaction">Knows the secrets.</param>
    /// <param name="now">Time of the files.</param>
    public BundleWriter(Stream file, string folder, Redaction redaction, DateTimeOffset now)
    {
        _zip = new GZipStream(file, CompressionLevel.Optimal);
        _tar = new TarWriter(_zip, TarEntryFormat.Pax);
        _folder = folder;
        _redaction = redaction;
        _now = now;
    }

    /// <summary>Files written so far.</summary>
    public List<string> Files { get; } = [];

    public void Add(string name, string text)
    {
        var content = Encoding.UTF8.GetBytes(_redaction.Text(text));
        _tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, $"{_folder}/{name}")
        {
            Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            ModificationTime = _now,
            DataStream = new MemoryStream(content),
        });
        Files.Add(name);
    }

    public void Dispose()
    {
        _tar.Dispose();
        _zip.Dispose();
    }
}
