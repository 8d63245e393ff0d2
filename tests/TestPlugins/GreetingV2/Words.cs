namespace Greeting;

/// <summary>A library that two versions of a plugin use in two versions.</summary>
public static class Words
{
    private static int s_uses;

    // Not the signature of version 1: code compiled against it would not run on this one.
    public static string Hello(string name) => $"hello {name} {++s_uses} from 2.0";
}
