using System.Text;
using System.Text.Json;
using Terway.Lab.Cloud.Api;

namespace Terway.Lab.Cloud.Metadata;

/// <summary>Role credentials as <c>ram/security-credentials/ROLE</c> shows them, dated by the clock of a service that may be off.</summary>
internal static class RoleJson
{
    public static string Write(RoleCredentials credentials, TimeSpan skew)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("AccessKeyId", credentials.AccessKeyId);
            json.WriteString("AccessKeySecret", credentials.AccessKeySecret);
            json.WriteString("Expiration", (credentials.Expiration + skew).ToIso());
            json.WriteString("SecurityToken", credentials.SecurityToken);
            json.WriteString("LastUpdated", (credentials.IssuedAt + skew).ToIso());
            json.WriteString("Code", "Success");
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
