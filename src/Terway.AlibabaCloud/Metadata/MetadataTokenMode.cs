namespace Terway.AlibabaCloud.Metadata;

/// <summary>Whether metadata is read with a session token ("hardened mode").</summary>
public enum MetadataTokenMode
{
    /// <summary>With a token where the service gives one, without where it does not know tokens.</summary>
    Auto,

    /// <summary>Only with a token.</summary>
    Required,

    /// <summary>Never with a token.</summary>
    Disabled,
}
