namespace Terway.Plugins.DataPathV2.Abi;

internal static class DpAbi
{
    public const int Version = 2;
}
