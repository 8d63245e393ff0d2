namespace Terway.AlibabaCloud.Tests.Servers;

/// <summary>A call that passed every check of <see cref="OpenApiServer"/>.</summary>
internal sealed record ReceivedCall(
    string Action, string Version, IReadOnlyDictionary<string, string> Parameters, IReadOnlyDictionary<string, string> Headers, DateTimeOffset At);
