namespace Terway.Plugins.DataPathV2.Abi;

internal static class DpAbi
{
    /// <summary>DP_ABI of dp_abi.h: part of the pins' folder, so that maps of two layouts lie side by side.</summary>
    public const int Version = 1;
}
