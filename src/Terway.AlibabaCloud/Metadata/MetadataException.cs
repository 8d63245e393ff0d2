using System.Net;

namespace Terway.AlibabaCloud.Metadata;

/// <summary>The metadata service did not give what was asked.</summary>
public sealed class MetadataException(string path, HttpStatusCode? httpStatus, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Path asked for, below <c>/latest/</c>.</summary>
    public string Path { get; } = path;

    /// <summary>HTTP status of the last try; null when there was no answer.</summary>
    public HttpStatusCode? HttpStatus { get; } = httpStatus;
}
