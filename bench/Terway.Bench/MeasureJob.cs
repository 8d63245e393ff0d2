namespace Terway.Bench;

/// <summary>What the measuring process does, in the node's namespace.</summary>
/// <param name="Ours">Our plugin.</param>
/// <param name="Theirs">Their plugin.</param>
/// <param name="Runs">ADD and DEL pairs of each, in turn.</param>
/// <param name="Burst">ADDs started at once.</param>
/// <param name="Bursts">Bursts of each, in turn.</param>
/// <param name="SandboxesOurs">Network namespaces for ours: at least <paramref name="Burst"/>.</param>
/// <param name="SandboxesTheirs">Network namespaces for theirs.</param>
/// <param name="Folder">For inputs and outputs.</param>
internal sealed record MeasureJob(
    PluginUnderTest Ours, PluginUnderTest Theirs, int Runs, int Burst, int Bursts, IReadOnlyList<string> SandboxesOurs, IReadOnlyList<string> SandboxesTheirs,
    string Folder);

/// <summary>A CNI plugin.</summary>
/// <param name="Binary">The program.</param>
/// <param name="BinaryFolder">CNI_PATH.</param>
/// <param name="Config">Network configuration for stdin.</param>
internal sealed record PluginUnderTest(string Binary, string BinaryFolder, string Config);

/// <summary>Milliseconds.</summary>
/// <param name="AddOurs">Exec to exit.</param>
/// <param name="AddTheirs">Exec to exit.</param>
/// <param name="DelOurs">Exec to exit.</param>
/// <param name="DelTheirs">Exec to exit.</param>
/// <param name="SettledOurs">From exec of our DEL until the link is gone from the kernel.</param>
/// <param name="BurstOurs">From the first exec to the last exit.</param>
/// <param name="BurstTheirs">From the first exec to the last exit.</param>
internal sealed record MeasureTimes(
    List<double> AddOurs, List<double> AddTheirs, List<double> DelOurs, List<double> DelTheirs, List<double> SettledOurs, List<double> BurstOurs,
    List<double> BurstTheirs);
