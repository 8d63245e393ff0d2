namespace Terway.Plugins.DataPathV2.Services;

/// <summary>Consecutive slots of the map of backends: 2^<paramref name="Order"/> of them from <paramref name="Base"/> on.</summary>
internal readonly record struct BackendRange(uint Base, int Order)
{
    public uint Size => 1u << Order;

    /// <summary>The order of a range that holds so many; at least one.</summary>
    public static int OrderFor(int count) => count <= 1 ? 0 : System.Numerics.BitOperations.Log2((uint)count - 1) + 1;
}
