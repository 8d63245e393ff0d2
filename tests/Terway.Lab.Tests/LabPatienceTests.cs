namespace Terway.Lab.Tests;

public sealed class LabPatienceTests
{
    [Theory]
    [InlineData(null, 1)]
    [InlineData("", 1)]
    [InlineData("2.5", 2.5)]
    public void What_is_said_counts(string? text, double factor) => Assert.Equal(factor, LabPatience.Read(text));

    [Theory]
    [InlineData("0.5")]
    [InlineData("-3")]
    [InlineData("long")]
    public void What_is_no_factor_is_refused(string text) =>
        Assert.Contains($"TERWAY_LAB_PATIENCE is {text}", Assert.Throws<FormatException>(() => LabPatience.Read(text)).Message, StringComparison.Ordinal);
}
