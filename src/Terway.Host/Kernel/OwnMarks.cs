namespace Terway.Host.Kernel;

/// <summary>How the daemon's objects are told from everybody else's.</summary>
internal static class OwnMarks
{
    /// <summary>
    /// rtm_protocol and FRA_PROTOCOL of our routes and rules. Free in iproute2's rt_protos, whose names end at 196; documented in the contract.
    /// </summary>
    public const byte RouteProtocol = 201;

    /// <summary>Link group in which links are collected that go in one step. Links are in it only while they are being removed.</summary>
    public const uint DoomedGroup = 0x7E57A7;
}
