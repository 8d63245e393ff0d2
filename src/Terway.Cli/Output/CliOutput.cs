using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Spectre.Console;

namespace Terway.Cli.Output;

/// <summary>Where a command writes its result: tables for people, or JSON for programs.</summary>
internal sealed class CliOutput
{
    // Where no window sets the width: lines are not broken, so that grep finds what it looks for.
    private const int Wide = 4096;

    private readonly TextWriter _text;
    private readonly bool _terminal;

    public CliOutput(TextWriter text, bool json, bool terminal = false)
    {
        _text = text;
        _terminal = terminal;
        IsJson = json;
    }

    /// <summary>True when the caller asked for JSON.</summary>
    public bool IsJson { get; }

    public void Line(string text = "") => _text.WriteLine(text);

    public void Json<T>(T value, JsonTypeInfo<T> type) => _text.WriteLine(JsonSerializer.Serialize(value, type));

    /// <summary>Rows of plain texts; what is empty in every row is left out.</summary>
    public void Table(string[] columns, IReadOnlyCollection<string[]> rows)
    {
        var shown = Enumerable.Range(0, columns.Length).Where(c => rows.Count == 0 || rows.Any(r => r[c].Length > 0)).ToArray();
        var table = new Table().Border(_terminal ? TableBorder.Simple : TableBorder.None);
        foreach (var c in shown) table.AddColumn(new TableColumn(Markup.Escape(columns[c])) { NoWrap = !_terminal });
        foreach (var row in rows) table.AddRow([.. shown.Select(c => Markup.Escape(row[c]))]);
        if (_terminal)
        {
            Console(_text).Write(table);
            return;
        }

        using var buffer = new StringWriter();
        Console(buffer).Write(table);
        foreach (var line in buffer.ToString().TrimEnd('\n').Split('\n')) Line(line.TrimEnd());
    }

    private IAnsiConsole Console(TextWriter text)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(text),
            Ansi = _terminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = _terminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
        });
        if (!_terminal) console.Profile.Width = Wide;
        return console;
    }
}
