namespace Greeting;

/// <summary>A library that two versions of a plugin use in two versions.</summary>
public static class Words
{
    private static int s_uses;

    public static string Hello() => $"hello {++s_uses} from 1.0";
}
