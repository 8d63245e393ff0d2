using System.Diagnostics;

namespace Terway.Host.Pods;

/// <summary>Where the time of an ADD goes.</summary>
internal enum AddStage
{
    Queue,
    Pool,
    Kernel,
    Stages,
    Commit,
}

/// <summary>A stopwatch with one total per stage. Not thread-safe: one ADD is one flow.</summary>
internal sealed class AddTimes
{
    private readonly double[] _milliseconds = new double[Enum.GetValues<AddStage>().Length];
    private readonly long _begin = Stopwatch.GetTimestamp();
    private long _last;

    public AddTimes() => _last = _begin;

    /// <summary>Adds the time since the previous mark to a stage.</summary>
    public void Mark(AddStage stage)
    {
        var now = Stopwatch.GetTimestamp();
        _milliseconds[(int)stage] += Stopwatch.GetElapsedTime(_last, now).TotalMilliseconds;
        _last = now;
    }

    /// <summary>Milliseconds since the call was read.</summary>
    public double Total => Stopwatch.GetElapsedTime(_begin).TotalMilliseconds;

    /// <summary>Milliseconds of one stage.</summary>
    public double this[AddStage stage] => _milliseconds[(int)stage];

    /// <inheritdoc/>
    public override string ToString() => string.Join(' ', Enum.GetValues<AddStage>().Select(s =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{s.ToString().ToLowerInvariant()}={this[s]:F1}ms")));
}
