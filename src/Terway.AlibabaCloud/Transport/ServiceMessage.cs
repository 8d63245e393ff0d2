using Terway.AlibabaCloud.Credentials;

namespace Terway.AlibabaCloud.Transport;

/// <summary>
/// The service's words, fit for logs and pod events. A refused signature is answered with the string that was signed,
/// which holds the session token and could hold more.
/// </summary>
internal static class ServiceMessage
{
    private const int Longest = 600;
    private const string Hidden = "***";

    // What follows is the signed request, or the signature itself.
    private static readonly string[] s_secretFrom = ["string to sign", "StringToSign", "Signature=", "signature is:"];

    /// <summary>The text without secrets, and not longer than an event takes.</summary>
    public static string Clean(string text, CloudCredential? credential)
    {
        foreach (string marker in s_secretFrom)
        {
            int at = text.IndexOf(marker, StringComparison.OrdinalIgnoreCase);
            if (at >= 0)
                text = string.Concat(text.AsSpan(0, at + marker.Length), " ", Hidden);
        }

        if (credential is not null)
        {
            text = Hide(text, credential.AccessKeySecret);
            if (credential.SecurityToken is { Length: > 0 } token)
                text = Hide(text, token);
        }

        return text.Length <= Longest ? text : string.Concat(text.AsSpan(0, Longest), "...");
    }

    private static string Hide(string text, string secret) =>
        text.Replace(secret, Hidden, StringComparison.Ordinal)
            .Replace(Uri.EscapeDataString(secret), Hidden, StringComparison.OrdinalIgnoreCase);
}
