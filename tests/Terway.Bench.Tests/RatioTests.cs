using System.Text.Json;

namespace Terway.Bench.Tests;

public sealed class RatioTests
{
    [Fact]
    public void A_ratio_is_taken_round_by_round()
    {
        // One round on a machine three times as slow: the ratio of medians would be 3 / 2.
        var ratio = Datapath.RatioSummary.Of([2, 6, 4], [1, 3, 2]);
        Assert.Equal(2, ratio.Median);
        Assert.Equal((2, 2), (ratio.Low, ratio.High));
        Assert.Equal(1.5, Datapath.RatioSummary.Of([1, 2], [1, 1]).Median);
    }

    [Fact]
    public void Rounds_of_one_without_the_other_are_refused()
    {
        Assert.Throws<ArgumentException>(static () => Datapath.RatioSummary.Of([1, 2], [1]));
        Assert.Throws<ArgumentException>(static () => Datapath.RatioSummary.Of([], []));
    }

    // Exact ranks of the binomial with n = 10, 40 and 150: 1-based 2 and 9, 14 and 27, 63 and 88.
    [Theory]
    [InlineData(1, 0, 0)]
    [InlineData(10, 1, 8)]
    [InlineData(40, 13, 26)]
    [InlineData(150, 62, 87)]
    public void The_interval_of_a_median_is_that_of_its_ranks(int count, int low, int high) =>
        Assert.Equal((low, high), Datapath.RatioSummary.MedianRanks(count));

    [Theory]
    [InlineData(50, 5)]
    [InlineData(99, 10)]
    [InlineData(0, 1)]
    [InlineData(90, 9)]
    public void A_percentile_is_the_nearest_rank(double percent, double expected) =>
        Assert.Equal(expected, Statistics.Percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], percent));

    [Fact]
    public void A_figure_is_one_line_of_json()
    {
        var figure = Figure.OfRounds("x_ratio", "us", [30, 33, 36], [30, 30, 30], [60, 66, 72], null);
        Assert.Equal(
            """{"figure":"x_ratio","value":1.1,"ours":33,"theirs":30,"unit":"us","ours_p99":66,"samples":3,"low":1,"high":1.2,"q1":1,"q3":1.2}""",
            JsonSerializer.Serialize(figure, BenchJson.Default.Figure));
        Assert.Equal(
            """{"figure":"y_s","value":2,"ours":2,"unit":"s","ours_p99":3,"samples":3}""",
            JsonSerializer.Serialize(Figure.Single("y_s", "s", [1, 2, 3], null), BenchJson.Default.Figure));
    }

    [Fact]
    public void The_plot_has_a_row_for_each_ratio()
    {
        var svg = Datapath.RatioPlot.Draw([Figure.OfRounds("x_ratio", "us", [3], [2], null, null), Figure.Single("y_s", "s", [1], null)]);
        var root = System.Xml.Linq.XDocument.Parse(svg).Root!;
        Assert.Single(root.Elements(), static e => e.Name.LocalName == "circle");
        Assert.Contains(root.Elements(), static e => e.Value == "x_ratio");
        Assert.DoesNotContain(root.Elements(), static e => e.Value == "y_s");
    }
}
