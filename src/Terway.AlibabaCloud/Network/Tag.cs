namespace Terway.AlibabaCloud.Network;

/// <summary>A resource tag.</summary>
public sealed record Tag(string Key, string Value);
