using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.Host.State;

namespace Terway.Host.Tests.State;

/// <summary>The process that is killed while it writes: this assembly, started again with a variable that says where to write.</summary>
internal static class StateWriterChild
{
    public const string Variable = "TWT_STATE_CHILD";

    private const int Enough = 100_000;

#pragma warning disable CA2255 // not a library: before the test runner's own Main
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Run()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { } folder) return;
        var store = StateStore.Open(Path.Combine(folder, "state.db"), TimeProvider.System, NullLogger.Instance);
        using var acknowledgements = File.Create(Path.Combine(folder, "acknowledged"));
        for (var i = 0; i < Enough; i++)
        {
            store.WriteAsync(new StateWrite.PutFact($"a{i}", new byte[700]), new StateWrite.PutFact($"b{i}", new byte[700])).GetAwaiter().GetResult();
            acknowledgements.WriteByte(1);
            acknowledgements.Flush();
        }

        Environment.Exit(0);
    }
}
