namespace Terway.Cni.Wire;

/// <summary>Error codes of the CNI specification 1.1.0, section "Error"; from 100 up they are the plugin's own.</summary>
internal static class CniErrorCode
{
    public const int IncompatibleCniVersion = 1;
    public const int UnsupportedField = 2;
    public const int UnknownContainer = 3;
    public const int InvalidEnvironmentVariables = 4;
    public const int IoFailure = 5;
    public const int DecodingFailure = 6;
    public const int InvalidNetworkConfig = 7;
    public const int TryAgainLater = 11;

    /// <summary>STATUS: an ADD would fail now.</summary>
    public const int PluginNotAvailable = 50;

    /// <summary>STATUS: an ADD would fail now, and existing containers may have limited connectivity.</summary>
    public const int PluginNotAvailableLimitedConnectivity = 51;

    /// <summary>A defect of the entrypoint or the daemon.</summary>
    public const int Internal = 100;

    /// <summary>The entrypoint and the daemon do not understand each other's frames.</summary>
    public const int Protocol = 101;
}
