using System.Text;
using Terway.Linux;

namespace Terway.Host.CrashPoints;

/// <summary>
/// Ends this process by SIGKILL at a named step, so that tests can be sure that what is journaled carries over any crash. Steps are found at the
/// daemon's choke points (commits, kernel, cloud, plugin records) and named there, so a new step is a new point by itself.
/// <para><c>TERWAY_CRASH_AT=POINT#N:before|half|after</c>: at the Nth passing of a point. <c>TERWAY_CRASH_AT=@FILE</c>: the same, read from a file at
/// every passing and counted from when the file last changed. <c>TERWAY_CRASH_LOG=FILE</c>: appends every passing as <c>POINT:MOMENT</c>, and at start
/// every point known by its type as <c>known POINT</c>.</para>
/// Thread-safe.
/// </summary>
internal sealed class CrashPlan : IDisposable
{
    /// <summary>Where to end.</summary>
    public const string AtVariable = "TERWAY_CRASH_AT";

    /// <summary>Where to write what was passed.</summary>
    public const string LogVariable = "TERWAY_CRASH_LOG";

    private readonly Lock _lock = new();
    private readonly string? _file;
    private readonly FileStream? _log;
    private readonly Action _end;
    private CrashTarget? _target;
    private string _text;
    private int _passed;

    /// <param name="at">As in <see cref="AtVariable"/>; null ends nowhere.</param>
    /// <param name="log">As in <see cref="LogVariable"/>; null writes nothing.</param>
    /// <param name="end">Ends the process.</param>
    /// <exception cref="FormatException"><paramref name="at"/> cannot be read.</exception>
    public CrashPlan(string? at, string? log, Action end)
    {
        _end = end;
        _text = at ?? "";
        if (_text.StartsWith('@')) (_file, _text) = (_text[1..], "");
        else _target = CrashTarget.Parse(_text);
        if (log is null) return;
        _log = new FileStream(log, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        foreach (var point in PointNames.Known()) Write($"known {point}");
    }

    /// <summary>The plan that the environment asks for; null, at no cost afterwards, when it asks for none.</summary>
    /// <exception cref="FormatException">It asks for something that cannot be read.</exception>
    public static CrashPlan? FromEnvironment()
    {
        var at = Environment.GetEnvironmentVariable(AtVariable);
        var log = Environment.GetEnvironmentVariable(LogVariable);
        return string.IsNullOrEmpty(at) && string.IsNullOrEmpty(log) ? null : new CrashPlan(at, log, OwnProcess.Kill);
    }

    /// <summary>Whether to end here. For a step whose half has to be prepared.</summary>
    public bool Takes(string point, CrashMoment moment)
    {
        lock (_lock)
        {
            Write($"{point}:{Text(moment)}");
            if (_file is not null) ReadFile();
            return _target is { } target && target.Point == point && target.Moment == moment && ++_passed == target.Number;
        }
    }

    /// <summary>Ends the process when it is to end here.</summary>
    public void Pass(string point, CrashMoment moment)
    {
        if (Takes(point, moment)) End();
    }

    /// <summary>Ends the process.</summary>
    public void End() => _end();

    public void Dispose() => _log?.Dispose();

    private static string Text(CrashMoment moment) => moment switch
    {
        CrashMoment.Before => "before",
        CrashMoment.Half => "half",
        _ => "after",
    };

    private void ReadFile()
    {
        string text;
        try
        {
            text = File.ReadAllText(_file!).Trim();
        }
        catch (IOException)
        {
            text = "";
        }

        if (text == _text) return;
        _text = text;
        _passed = 0;
        _target = CrashTarget.Parse(text);
    }

    private void Write(string line) => _log?.Write(Encoding.UTF8.GetBytes(line + "\n"));
}
