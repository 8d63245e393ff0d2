namespace Terway.EniPool.Configuration;

/// <summary>The part of eni_conf that concerns the pool, valid and with defaults filled in.</summary>
internal sealed record PoolSettings
{
    public static readonly TimeSpan DefaultCooldown = TimeSpan.FromSeconds(130);

    /// <summary>Idle addresses to keep ready, before it is limited by the node's capacity.</summary>
    public int MinPool { get; init; }

    /// <summary>Idle addresses above this go back.</summary>
    public int MaxPool { get; init; }

    public int MinEni { get; init; }

    /// <summary>0: no limit of its own.</summary>
    public int MaxEni { get; init; }

    public double EniCapRatio { get; init; } = 1;

    public int EniCapShift { get; init; }

    /// <summary>vSwitches of the node's zone, in the configured order.</summary>
    public IReadOnlyList<string> VSwitches { get; init; } = [];

    public VSwitchPolicy VSwitchPolicy { get; init; } = VSwitchPolicy.Random;

    public EniPolicy EniPolicy { get; init; } = EniPolicy.MostIps;

    /// <summary>Empty: those of the primary ENI.</summary>
    public IReadOnlyList<string> SecurityGroups { get; init; } = [];

    public IReadOnlyList<EniTag> EniTags { get; init; } = [];

    public IReadOnlyList<EniTag> EniTagFilter { get; init; } = [];

    public IReadOnlyList<EniTag> EniTagBlockList { get; init; } = [];

    public string? ResourceGroupId { get; init; }

    public TimeSpan SyncPeriod { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>MTU of ENI links in bytes; 0 leaves it.</summary>
    public int Mtu { get; init; }

    public TimeSpan Cooldown { get; init; } = DefaultCooldown;

    /// <summary>How long a pod waits for an address at most.</summary>
    public TimeSpan WaitLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Addresses to obtain once in the node's life, whatever the watermarks say.</summary>
    public int WarmUp { get; init; }

    /// <summary>Null: idle addresses between the watermarks stay.</summary>
    public IdleReclaimSettings? IdleReclaim { get; init; }

    public BackoffOverrides Backoffs { get; init; } = BackoffOverrides.None;

    /// <summary>ENIs get prefixes of 16 addresses in place of single ones.</summary>
    public bool UsePrefixes { get; init; }

    /// <summary>Prefixes of the whole node, all the time; 0: as many as the watermarks and the pods ask for.</summary>
    public int PrefixCount { get; init; }
}
