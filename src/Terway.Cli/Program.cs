using Terway.Cli;

return await CommandLineProgram.RunAsync(args, Console.Out, Console.Error, terminal: !Console.IsOutputRedirected).ConfigureAwait(false);
