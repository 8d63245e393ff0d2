using System.Globalization;

namespace Terway.Lab;

/// <summary>How much longer than on a machine of its own a start may take: the environment variable TERWAY_LAB_PATIENCE, for kernels under an emulator.</summary>
internal static class LabPatience
{
    /// <summary>1 when nothing is said.</summary>
    /// <exception cref="FormatException">It is no number from 1 on.</exception>
    public static double Factor { get; } = Read(Environment.GetEnvironmentVariable("TERWAY_LAB_PATIENCE"));

    internal static double Read(string? text) => string.IsNullOrEmpty(text) ? 1
        : double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var factor) && factor >= 1 ? factor
        : throw new FormatException($"TERWAY_LAB_PATIENCE is {text}, not a number from 1 on");
}
