namespace Terway.AlibabaCloud.Credentials;

/// <summary>A provider has no credential to give; the message says why and what to do.</summary>
public sealed class CredentialUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
