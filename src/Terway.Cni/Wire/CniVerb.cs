namespace Terway.Cni.Wire;

/// <summary>Values of CNI_COMMAND.</summary>
internal static class CniVerb
{
    public const string Add = "ADD";
    public const string Del = "DEL";
    public const string Check = "CHECK";
    public const string Status = "STATUS";
    public const string Gc = "GC";
    public const string Version = "VERSION";
}
