using System.Globalization;

namespace Terway.Host.CrashPoints;

/// <summary>One passing of one point.</summary>
/// <param name="Point">Its name.</param>
/// <param name="Number">Which passing, from 1.</param>
/// <param name="Moment">Where in the step.</param>
internal sealed record CrashTarget(string Point, int Number, CrashMoment Moment)
{
    /// <summary>Reads <c>POINT#N:MOMENT</c>; null for an empty text.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static CrashTarget? Parse(string text)
    {
        if (text.Length == 0) return null;
        var colon = text.LastIndexOf(':');
        var hash = text.LastIndexOf('#');
        if (hash > 0 && colon > hash
            && int.TryParse(text.AsSpan(hash + 1, colon - hash - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0)
        {
            CrashMoment? moment = text[(colon + 1)..] switch
            {
                "before" => CrashMoment.Before,
                "half" => CrashMoment.Half,
                "after" => CrashMoment.After,
                _ => null,
            };
            if (moment is { } known) return new CrashTarget(text[..hash], number, known);
        }

        throw new FormatException($"{CrashPlan.AtVariable} is \"{text}\"; write POINT#N:before, POINT#N:half or POINT#N:after, such as kernel/apply-pod#1:after");
    }
}
