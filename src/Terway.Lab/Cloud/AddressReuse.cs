namespace Terway.Lab.Cloud;

/// <summary>Which free address a vSwitch hands out next.</summary>
public enum AddressReuse
{
    /// <summary>The lowest one: a released address comes back quickly, which exposes clients that rely on it not to.</summary>
    LowestFree,

    /// <summary>The one released last, at once.</summary>
    LastReleased,

    /// <summary>The next one after the last handed out; a released address comes back only after a whole round.</summary>
    RoundRobin,
}
