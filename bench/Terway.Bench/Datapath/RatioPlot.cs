using System.Globalization;
using System.Text;

namespace Terway.Bench.Datapath;

/// <summary>Ratios as an SVG: a row for each figure, a dot at the median, a bar over its confidence interval, a line at 1.</summary>
internal static class RatioPlot
{
    private const int Label = 330;
    private const int Width = 520;
    private const int Row = 18;
    private const int Top = 40;
    private const double Least = 0.25;
    private const double Most = 4;

    /// <param name="figures">those that are ratios are drawn, in their order</param>
    public static string Draw(IReadOnlyList<Figure> figures)
    {
        var ratios = figures.Where(static f => f.Low is not null && f.High is not null).ToList();
        var height = Top + Row * ratios.Count + 20;
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Label + Width + 90} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n");
        svg.Append("<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"10\" y=\"18\" font-weight=\"bold\">ours / theirs, median and 95 % interval; log scale</text>\n");
        foreach (var tick in (double[])[0.25, 0.5, 0.7, 0.9, 1, 1.1, 1.5, 2, 4])
        {
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{X(tick)}\" x2=\"{X(tick)}\" y1=\"{Top - 4}\" y2=\"{height - 16}\" stroke=\"{(tick == 1 ? "#444" : "#ddd")}\"/>\n");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{X(tick)}\" y=\"{Top - 8}\" text-anchor=\"middle\" fill=\"#666\">{tick}</text>\n");
        }

        for (var i = 0; i < ratios.Count; i++)
        {
            var (figure, y) = (ratios[i], Top + Row * i + Row / 2);
            var colour = figure.Name.Contains("_null", StringComparison.Ordinal) ? "#999" : figure.Name.Contains("_vs_", StringComparison.Ordinal) ? "#2a7" : "#27c";
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Label - 8}\" y=\"{y + 4}\" text-anchor=\"end\">{figure.Name}</text>\n");
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{X(figure.Low!.Value)}\" x2=\"{X(figure.High!.Value)}\" y1=\"{y}\" y2=\"{y}\" stroke=\"{colour}\" stroke-width=\"5\" stroke-opacity=\"0.35\"/>\n");
            svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{X(figure.Value)}\" cy=\"{y}\" r=\"3.5\" fill=\"{colour}\"/>\n");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Label + Width + 12}\" y=\"{y + 4}\" fill=\"#333\">{figure.Value:0.000}</text>\n");
        }

        return svg.Append("</svg>\n").ToString();
    }

    private static double X(double ratio)
    {
        var share = Math.Log(Math.Clamp(ratio, Least, Most) / Least) / Math.Log(Most / Least);
        return Math.Round(Label + share * Width, 1);
    }
}
