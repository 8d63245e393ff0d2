using Terway.EniPool.Pool;

namespace Terway.EniPool.Scaling;

/// <summary>Findings shown to the operator; tells the host only what changed.</summary>
internal sealed class FindingBoard(IPluginHost host)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Finding> _shown = [];

    public void Set(string path, Finding finding)
    {
        lock (_gate)
        {
            if (_shown.TryGetValue(path, out var shown) && shown == finding)
            {
                return;
            }

            _shown[path] = finding;
        }

        host.Report(path, finding);
    }

    public void Clear(string path)
    {
        lock (_gate)
        {
            if (!_shown.Remove(path))
            {
                return;
            }
        }

        host.Report(path, null);
    }
}
