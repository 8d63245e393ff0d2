using System.Text;
using System.Text.Json;
using Terway.Lab.Cloud.Api;

namespace Terway.Lab.Cloud.Metadata;

/// <summary>Role credentials as <c>ram/security-credentials/ROLE</c> shows them.</summary>
internal static class RoleJson
{
    public static string Write(RoleCredentials credentials)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("AccessKeyId", credentials.AccessKeyId);
            json.WriteString("AccessKeySecret", credentials.AccessKeySecret);
            json.WriteString("Expiration", credentials.Expiration.ToIso());
            json.WriteString("SecurityToken", credentials.SecurityToken);
            json.WriteString("LastUpdated", credentials.IssuedAt.ToIso());
            json.WriteString("Code", "Success");
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
