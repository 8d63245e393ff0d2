namespace Terway.EniPool.Configuration;

/// <summary>Which ENI gives an address to a pod, and which gets new ones, first.</summary>
internal enum EniPolicy
{
    /// <summary>The one with the most addresses: ENIs fill up one after the other, so that others can be returned.</summary>
    MostIps,

    /// <summary>The one with the fewest: load is spread.</summary>
    LeastIps,
}
