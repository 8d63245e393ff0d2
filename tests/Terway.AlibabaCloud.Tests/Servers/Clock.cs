using Microsoft.Extensions.Time.Testing;

namespace Terway.AlibabaCloud.Tests.Servers;

internal static class Clock
{
    /// <summary>A time-out that a slow machine does not reach.</summary>
    public static readonly TimeSpan NoTimeout = TimeSpan.FromHours(2);

    public static FakeTimeProvider Create() => new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    /// <summary>
    /// Lets fake time run in steps until the task is done, so that pauses pass at once while requests go over the real
    /// loopback. Requests take fake time too: tests that do not mean a time-out set <see cref="NoTimeout"/>. The bound only
    /// ends a test that hangs.
    /// </summary>
    public static async Task<T> RunAsync<T>(this FakeTimeProvider time, Task<T> task)
    {
        for (int i = 0; i < 20_000 && !task.IsCompleted; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(250));
            await Task.WhenAny(task, Task.Delay(1));
        }

        Assert.True(task.IsCompleted, "The call did not end.");
        return await task;
    }
}
