namespace Terway.EniPool.Configuration;

/// <summary>Something wrong in the configuration.</summary>
/// <param name="Path">JSON path of the value.</param>
/// <param name="Reason">What is wrong.</param>
/// <param name="Fix">What to write instead.</param>
/// <param name="Fatal">False when a safe value could be taken instead.</param>
internal sealed record SettingProblem(string Path, string Reason, string Fix, bool Fatal = true);
