using System.Text.Json;

namespace Terway.Lab.Cloud.Api;

/// <summary>Does one action; what it returns writes the body's members after RequestId.</summary>
internal delegate Task<Action<Utf8JsonWriter>> ApiHandler(Region region, ApiParameters parameters);

/// <param name="Product"><c>ecs</c> or <c>vpc</c>.</param>
/// <param name="TakesClientToken">Whether ClientToken makes the action idempotent.</param>
internal sealed record ApiAction(string Product, string Name, ApiHandler Handler, bool TakesClientToken = false)
{
    /// <summary>A handler that needs no waiting.</summary>
    public static ApiAction Immediate(string product, string name, Func<Region, ApiParameters, Action<Utf8JsonWriter>> handler, bool takesClientToken = false) =>
        new(product, name, (region, parameters) => Task.FromResult(handler(region, parameters)), takesClientToken);
}
