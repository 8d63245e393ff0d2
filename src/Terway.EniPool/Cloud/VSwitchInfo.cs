using Terway.EniPool.Pool;

namespace Terway.EniPool.Cloud;

/// <summary>A vSwitch.</summary>
/// <param name="Id">Its id.</param>
/// <param name="ZoneId">Its zone.</param>
/// <param name="Subnets">By family; null where it has none.</param>
/// <param name="Available">IPv4 addresses left when the cloud was asked, less those taken since.</param>
/// <param name="AskedAt">When that was, on the pool's clock.</param>
internal sealed record VSwitchInfo(string Id, string ZoneId, IReadOnlyList<EniSubnet?> Subnets, long Available, TimeSpan AskedAt);
