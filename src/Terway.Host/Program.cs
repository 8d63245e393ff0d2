using Terway.Host;

return await DaemonOptions.Command(Daemon.RunAsync).Parse(args).InvokeAsync().ConfigureAwait(false);
