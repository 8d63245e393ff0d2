using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Terway.Cni.Wire;

namespace Terway.Cni;

/// <summary>
/// The network configuration of stdin. One pass with the reader checks all of it - syntax, depth, UTF-8, escapes - and picks the keys that
/// the entrypoint itself needs; the bytes go to the daemon as they came.
/// </summary>
internal sealed class NetworkConfig
{
    /// <summary>Levels of nesting that are accepted.</summary>
    public const int MaxDepth = 64;

    private const string ValidAttachments = "cni.dev/valid-attachments";
    private const string OldValidAttachments = "cni.dev/attachments"; // name in drafts of 1.1.0; libcni sends both

    private string? _name;
    private bool _hasPrevResult;
    private bool _hasValidAttachments;

    private NetworkConfig(ReadOnlyMemory<byte> raw) => Raw = raw;

    public ReadOnlyMemory<byte> Raw { get; }

    /// <summary>cniVersion; empty when the configuration has none.</summary>
    public string CniVersion { get; private set; } = "";

    public string DaemonSocket { get; private set; } = CniPaths.DefaultDaemonSocket;

    public string SpoolDir { get; private set; } = CniPaths.DefaultSpoolDir;

    /// <summary>How long ADD and CHECK wait for a daemon that is not there.</summary>
    public TimeSpan DaemonWait { get; private set; } = TimeSpan.FromSeconds(8);

    /// <summary>How long any call waits for the daemon's answer, waiting for the daemon included.</summary>
    public TimeSpan Deadline { get; private set; } = TimeSpan.FromSeconds(110);

    /// <exception cref="CniException">Code 6: not a JSON object, or a known key of the wrong type. Code 7: a known key out of bounds.</exception>
    public static NetworkConfig Parse(ReadOnlyMemory<byte> json)
    {
        if (json.Span.Trim(" \t\r\n"u8).IsEmpty)
            throw Undecodable("there is no network configuration on stdin", "the container runtime writes it there as one JSON object");
        if (!Utf8.IsValid(json.Span))
            throw Undecodable("the network configuration on stdin is not valid UTF-8", null);

        var config = new NetworkConfig(json);
        try
        {
            config.Read();
        }
        catch (JsonException e)
        {
            throw Undecodable("the network configuration on stdin is not valid JSON", e.Message);
        }

        return config;
    }

    /// <summary>What the verb needs of the configuration beyond its syntax.</summary>
    /// <exception cref="CniException">Code 1: the version is not spoken, or older than the verb. Code 7: a required key is missing.</exception>
    public void Validate(string verb)
    {
        if (!SpecVersion.IsSupported(CniVersion))
        {
            throw new CniException(
                CniErrorCode.IncompatibleCniVersion,
                CniVersion.Length == 0
                    ? "cniVersion is missing in the network configuration, which stands for 0.1.0: that version is not supported"
                    : $"cniVersion '{Excerpt(CniVersion)}' is not supported",
                "supported are " + string.Join(", ", SpecVersion.Supported!));
        }

        if (!SpecVersion.Knows(CniVersion, verb))
        {
            throw new CniException(
                CniErrorCode.IncompatibleCniVersion,
                $"{verb} came with cniVersion {SpecVersion.Introduced(verb)}, and the network configuration is written for {CniVersion}");
        }

        if (_name is null)
            throw Invalid("name is missing in the network configuration", null);
        if (!Identifier.IsValid(_name))
            throw Invalid($"name '{Excerpt(_name)}' is not a valid network name", Identifier.Rule);
        if (verb == CniVerb.Check && !_hasPrevResult)
            throw Invalid("CHECK needs prevResult in the network configuration", "the runtime passes the result of the ADD");
        if (verb == CniVerb.Gc && !_hasValidAttachments)
        {
            throw Invalid(
                $"GC needs {ValidAttachments} in the network configuration",
                "without the list of what is still in use everything would have to go, so nothing was done");
        }
    }

    private void Read()
    {
        var reader = new Utf8JsonReader(Raw.Span, new JsonReaderOptions { MaxDepth = MaxDepth });
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Undecodable($"the network configuration on stdin must be a JSON object, and is {Kind(reader.TokenType)}", null);

        while (reader.Read())
        {
            CheckEscapes(ref reader);
            if (reader.CurrentDepth == 1 && reader.TokenType == JsonTokenType.PropertyName)
                ReadMember(reader.GetString()!, ref reader);
        }
    }

    private void ReadMember(string key, ref Utf8JsonReader reader)
    {
        reader.Read();
        CheckEscapes(ref reader);
        switch (key)
        {
            case "cniVersion": CniVersion = String(key, ref reader); break;
            case "name": _name = String(key, ref reader); break;
            case "type": String(key, ref reader); break;
            case "daemonSocket": DaemonSocket = AbsolutePath(key, ref reader, Native.Libc.SocketAddressUnix.MaxPath); break;
            case "spoolDir": SpoolDir = AbsolutePath(key, ref reader, 3000); break;
            case "daemonWaitSeconds": DaemonWait = Seconds(key, ref reader, 0, 100); break;
            case "deadlineSeconds": Deadline = Seconds(key, ref reader, 0.1, 3600); break;
            case "prevResult": _hasPrevResult = Present(key, ref reader, JsonTokenType.StartObject); break;
            case "runtimeConfig" or "capabilities" or "args": Present(key, ref reader, JsonTokenType.StartObject); break;
            case ValidAttachments or OldValidAttachments:
                // Go's libcni writes an empty list as null: the key says that the caller knows, whatever its value.
                Present(key, ref reader, JsonTokenType.StartArray);
                _hasValidAttachments = true;
                break;
        }
    }

    /// <summary>An escape may name half of a surrogate pair: that is not text, and whoever reads the value later would fail on it.</summary>
    private static void CheckEscapes(ref Utf8JsonReader reader)
    {
        if (!reader.ValueIsEscaped)
            return;
        try
        {
            _ = reader.GetString();
        }
        catch (InvalidOperationException)
        {
            throw Undecodable($"the network configuration on stdin has an invalid \\u escape at byte {reader.TokenStartIndex}", null);
        }
    }

    private static string String(string key, ref Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw WrongType(key, "a string", reader.TokenType);

    private static string AbsolutePath(string key, ref Utf8JsonReader reader, int maxBytes)
    {
        var value = String(key, ref reader);
        if (!value.StartsWith('/') || value.Contains('\0', StringComparison.Ordinal) || Encoding.UTF8.GetByteCount(value) > maxBytes)
            throw Invalid($"{key} '{Excerpt(value)}' must be an absolute path of at most {maxBytes} bytes", null);
        return value;
    }

    private static TimeSpan Seconds(string key, ref Utf8JsonReader reader, double min, double max)
    {
        if (reader.TokenType != JsonTokenType.Number)
            throw WrongType(key, "a number", reader.TokenType);
        if (!reader.TryGetDouble(out var value) || !(value >= min && value <= max))
            throw Invalid(FormattableString.Invariant($"{key} must be {min} to {max} seconds"), null);
        return TimeSpan.FromSeconds(value);
    }

    private static bool Present(string key, ref Utf8JsonReader reader, JsonTokenType expected)
    {
        if (reader.TokenType == JsonTokenType.Null)
            return false;
        return reader.TokenType == expected ? true : throw WrongType(key, Kind(expected), reader.TokenType);
    }

    private static string Kind(JsonTokenType type) => type switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "a number",
        JsonTokenType.True or JsonTokenType.False => "a boolean",
        _ => "null",
    };

    private static CniException WrongType(string key, string expected, JsonTokenType actual) =>
        Undecodable($"{key} in the network configuration must be {expected}, and is {Kind(actual)}", null);

    private static CniException Undecodable(string message, string? details) => new(CniErrorCode.DecodingFailure, message, details);

    private static CniException Invalid(string message, string? details) => new(CniErrorCode.InvalidNetworkConfig, message, details);

    private static string Excerpt(string value) => value.Length <= 80 ? value : value[..80] + "...";
}
