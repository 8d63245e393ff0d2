// The harness of a pool's tests is that of every plugin with a pool.
global using Provider = Terway.Plugins.SharedEni.SharedEniProvider;

// The clock of a test moves when the process has nothing left to do: another test would keep it busy.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
