global using Provider = Terway.Plugins.ExclusiveEni.ExclusiveEniProvider;

// The clock of a test moves when the process has nothing left to do: another test would keep it busy.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
