using System.Text;
using Terway.Configuration.Validation;

namespace Terway.Configuration.Tests;

/// <summary>Validation of a configuration that a test writes down.</summary>
internal static class Check
{
    public static IReadOnlyList<ConfigFinding> Findings(string json, ValidationContext? context = null) =>
        ConfigValidator.Validate(Parse(json), context ?? new ValidationContext());

    public static NodePoolConfig Parse(string json) => NodePoolConfig.Parse(Encoding.UTF8.GetBytes(json), "eni_conf");

    public static NodePoolConfig Parse(string json, string overlay) =>
        NodePoolConfig.Parse(Encoding.UTF8.GetBytes(json), "base.json", Encoding.UTF8.GetBytes(overlay), "overlay.json");
}
