namespace Terway.Lab;

internal static class Program
{
    public static int Main(string[] args)
    {
        Console.Error.WriteLine("usage: terway-lab <command> [options]");
        return args.Length == 0 ? 2 : 1;
    }
}
