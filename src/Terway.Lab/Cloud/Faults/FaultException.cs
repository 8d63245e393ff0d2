namespace Terway.Lab.Cloud.Faults;

/// <summary>A rule that makes no sense; the message begins with the field.</summary>
/// <param name="path">Empty: the rule as a whole.</param>
public sealed class FaultException(string path, string reason, Exception? inner = null) : ArgumentException(path.Length == 0 ? reason : $"{path}: {reason}", inner)
{
    public string Path => path;

    public string Reason => reason;
}
