namespace Terway.Plugin;

/// <summary>A plugin's life on the node: background work such as pools and watches.</summary>
public interface INodeService
{
    /// <summary>
    /// Starts the work and returns as soon as pods can be served or will be: long waits belong to the background. The host gives it 30 s.
    /// </summary>
    /// <exception cref="PodNetworkException">The node can never be served with this configuration; the message says what to change.</exception>
    Task StartAsync(CancellationToken cancellationToken);

    /// <summary>Stops all work. Pods keep their network. The host gives it 10 s.</summary>
    Task StopAsync(CancellationToken cancellationToken);

    /// <summary>What is wrong now, or null. A finding of severity Error makes the node not ready. Answers from memory.</summary>
    Finding? Health { get; }
}
