using System.Diagnostics;
using System.Security.Cryptography;
using Terway.Lab.Nodes;
using Terway.Lab.Vpc;
using Terway.Linux.Namespaces;

namespace Terway.Lab.Tests.Nodes;

public sealed class LabLedgerTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("terway-ledger-");

    [Fact]
    public void Clean_removes_what_a_killed_lab_left_and_nothing_else()
    {
        var id = "t" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
        using var sleeper = Process.Start("sleep", "600");
        using var bystander = Process.Start("sleep", "600");
        var foreign = $"twt-{id}-foreign";
        NamedNetNs.Create(foreign).Dispose();
        try
        {
            // As a process that ended without Dispose: the file is all that stays.
            var ledger = new LabLedger(_folder.FullName);
            var namespaces = new LabNamespaces(id, ledger);
            namespaces.Create("vpc");
            namespaces.Create("node1");
            ledger.RecordProcess(sleeper.Id);

            var removed = new LabLedger(_folder.FullName).Clean();

            Assert.Equal(3, removed.Count);
            Assert.True(sleeper.WaitForExit(TimeSpan.FromSeconds(10)));
            Assert.False(bystander.HasExited);
            Assert.DoesNotContain(NamedNetNs.List(), name => name.StartsWith($"twl-{id}-", StringComparison.Ordinal));
            Assert.Contains(foreign, NamedNetNs.List());
            Assert.Empty(new LabLedger(_folder.FullName).Clean());
        }
        finally
        {
            bystander.Kill();
            NamedNetNs.Delete(foreign);
            new LabLedger(_folder.FullName).Clean();
        }
    }

    [Fact]
    public void Clean_leaves_a_process_that_took_over_a_recorded_number()
    {
        using var stranger = Process.Start("sleep", "600");
        try
        {
            File.WriteAllText(Path.Combine(_folder.FullName, "made"), $"process {stranger.Id} 1\n");

            Assert.Empty(new LabLedger(_folder.FullName).Clean());
            Assert.False(stranger.HasExited);
        }
        finally
        {
            stranger.Kill();
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
