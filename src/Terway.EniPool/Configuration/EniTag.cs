namespace Terway.EniPool.Configuration;

/// <summary>A tag of an ENI.</summary>
internal readonly record struct EniTag(string Key, string Value);
