namespace Terway.Configuration.Plugins.Manifests;

/// <summary>A plugin runs with the daemon's rights: what others than root could change is not loaded.</summary>
internal static class FolderGuard
{
    /// <summary>Everything untrustworthy in a plugin's folder, links not followed; empty when it can be trusted.</summary>
    public static List<string> Check(string folder)
    {
        var problems = new List<string>();
        try
        {
            Visit(folder, folder, problems);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add(e.Message);
        }
        return problems;
    }

    /// <summary>Why a folder above a plugin cannot be trusted, or null.</summary>
    public static string? CheckParent(string folder)
    {
        var entry = FileOwnership.Of(folder);
        if (entry.IsLink)
            return $"'{folder}' is a symbolic link; put the folder itself there";
        return entry.ForeignWriter() is { } writer ? Writable($"'{folder}'", writer, folder) : null;
    }

    private static void Visit(string path, string root, List<string> problems)
    {
        var entry = FileOwnership.Of(path);
        var shown = path == root ? "the folder" : $"'{Path.GetRelativePath(root, path)}'";
        if (entry.IsLink)
        {
            var target = new FileInfo(path).LinkTarget ?? "";
            if (path == root || !StaysInside(Path.GetRelativePath(root, path), target))
                problems.Add($"{shown} is a symbolic link that leads out of the plugin's folder, to '{target}'; put the file itself there");
            return;
        }
        if (entry.ForeignWriter() is { } writer)
            problems.Add(Writable(shown, writer, path));
        if (entry.IsDirectory)
        {
            foreach (var child in Directory.EnumerateFileSystemEntries(path).Order(StringComparer.Ordinal))
                Visit(child, root, problems);
        }
        else if (!entry.IsRegular)
        {
            problems.Add($"{shown} is neither a file nor a folder; remove it");
        }
        if (path.AsSpan(root.Length).ContainsAny('\\', '\n', '\r'))
            problems.Add($"{shown} has a name with a backslash or a line break; rename it");
    }

    private static string Writable(string shown, string writer, string path) =>
        $"{shown} can be written by {writer}; run 'chown root:root' and 'chmod go-w' on '{path}'";

    // Links below the folder were reached without following any, so that ".." at the start of a target is what it says. After another
    // segment it may be the parent of a linked folder: not accepted.
    private static bool StaysInside(string link, string target)
    {
        if (target.Length == 0 || target[0] == '/')
            return false;
        var depth = link.Count(c => c == '/');
        var down = false;
        foreach (var segment in target.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (segment == ".")
                continue;
            if (segment != "..")
                down = true;
            else if (down || --depth < 0)
                return false;
        }
        return true;
    }
}
