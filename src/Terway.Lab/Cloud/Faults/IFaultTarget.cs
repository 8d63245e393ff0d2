namespace Terway.Lab.Cloud.Faults;

/// <summary>A region whose faults a scenario plays, wherever it runs.</summary>
public interface IFaultTarget
{
    /// <returns>The id the rule got.</returns>
    Task<string> AddAsync(FaultRule rule, CancellationToken ct);

    /// <summary>A rule that is not there any more is no error.</summary>
    Task RemoveAsync(string id, CancellationToken ct);
}
