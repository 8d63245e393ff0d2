using Terway.Cni.Wire;

namespace Terway.Cni;

/// <summary>The CNI_* variables of one call, checked as the specification asks for the verb.</summary>
internal sealed class CniEnvironment
{
    private const int MaxInterfaceName = 15; // IFNAMSIZ without its terminator

    private CniEnvironment(string verb) => Verb = verb;

    public string Verb { get; }

    /// <summary>When this process began to work, in milliseconds of the system clock since 1970.</summary>
    public long StartedAtMs { get; } = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    public string ContainerId { get; private init; } = "";
    public string NetNs { get; private init; } = "";
    public string IfName { get; private init; } = "";
    public string Args { get; private init; } = "";
    public string Path { get; private init; } = "";

    /// <exception cref="CniException">Code 4: a variable is missing or malformed; all missing ones are named at once.</exception>
    public static CniEnvironment Read(Func<string, string?> variable)
    {
        var verb = variable("CNI_COMMAND") ?? "";
        var environment = new CniEnvironment(verb)
        {
            ContainerId = variable("CNI_CONTAINERID") ?? "",
            NetNs = variable("CNI_NETNS") ?? "",
            IfName = variable("CNI_IFNAME") ?? "",
            Args = variable("CNI_ARGS") ?? "",
            Path = variable("CNI_PATH") ?? "",
        };
        environment.Validate();
        return environment;
    }

    private void Validate()
    {
        switch (Verb)
        {
            case CniVerb.Add or CniVerb.Check:
                Require(("CNI_CONTAINERID", ContainerId), ("CNI_NETNS", NetNs), ("CNI_IFNAME", IfName), ("CNI_PATH", Path));
                ValidateContainerId();
                ValidateIfName();
                NetNsFile.Validate(NetNs);
                break;
            case CniVerb.Del: // the namespace may be gone, and a DEL should fail for nothing that it does not need
                Require(("CNI_CONTAINERID", ContainerId), ("CNI_IFNAME", IfName));
                ValidateContainerId();
                ValidateIfName();
                break;
            case CniVerb.Status or CniVerb.Gc or CniVerb.Version:
                break;
            case "":
                throw Invalid("CNI_COMMAND is not set: this is a CNI plugin, to be called by a container runtime", null);
            default:
                throw Invalid($"CNI_COMMAND '{Excerpt(Verb)}' is not known", "known are ADD, DEL, CHECK, STATUS, GC, VERSION");
        }
    }

    private void Require(params ReadOnlySpan<(string Name, string Value)> required)
    {
        var missing = "";
        foreach (var (name, value) in required)
        {
            if (value.Length == 0)
                missing += missing.Length == 0 ? name : ", " + name;
        }

        if (missing.Length != 0)
            throw Invalid($"{Verb} needs environment variables that are not set: {missing}", null);
    }

    private void ValidateContainerId()
    {
        if (!Identifier.IsValid(ContainerId))
            throw Invalid($"CNI_CONTAINERID '{Excerpt(ContainerId)}' is not valid", Identifier.Rule);
    }

    private void ValidateIfName()
    {
        const string rule = "1 to 15 bytes, not '.' or '..', without '/', ':', spaces and control characters";
        if (IfName is "." or ".." || System.Text.Encoding.UTF8.GetByteCount(IfName) > MaxInterfaceName)
            throw Invalid($"CNI_IFNAME '{Excerpt(IfName)}' is not valid", rule);
        foreach (var c in IfName)
        {
            if (c is '/' or ':' or '\uFFFD' || char.IsWhiteSpace(c) || char.IsControl(c))
                throw Invalid($"CNI_IFNAME '{Excerpt(IfName)}' is not valid", rule);
        }
    }

    private static CniException Invalid(string message, string? details) => new(CniErrorCode.InvalidEnvironmentVariables, message, details);

    private static string Excerpt(string value) => value.Length <= 80 ? value : value[..80] + "...";
}
