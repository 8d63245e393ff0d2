namespace Terway.Plugins.DataPathV2.Pins;

/// <summary>Files of the bpf file system, which holds pins and nothing else.</summary>
internal static class PinFile
{
    private const string NewSuffix = "_new";

    public static string PathOf(string folder, string name) => Path.Combine(folder, name);

    /// <summary>Puts a pin in the place of the one there: who opens the path gets the old one or the new one.</summary>
    /// <param name="path">The place.</param>
    /// <param name="pin">Pins at the path it is given.</param>
    public static void Replace(string path, Action<string> pin)
    {
        var next = path + NewSuffix;
        File.Delete(next);
        pin(next);
        File.Move(next, path, overwrite: true);
    }
}
