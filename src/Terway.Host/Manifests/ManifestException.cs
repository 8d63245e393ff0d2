using System.Globalization;

namespace Terway.Host.Manifests;

/// <summary>A manifest cannot be understood.</summary>
/// <param name="line">Where in the file, from 1.</param>
/// <param name="reason">What is wrong.</param>
internal sealed class ManifestException(long line, string reason, Exception? inner = null)
    : Exception(string.Create(CultureInfo.InvariantCulture, $"line {line}: {reason}"), inner);
