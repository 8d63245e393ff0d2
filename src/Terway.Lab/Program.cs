using Terway.Lab.Commands;

namespace Terway.Lab;

internal static class Program
{
    public static Task<int> Main(string[] args) => LabCommandLine.Build().Parse(args).InvokeAsync();
}
