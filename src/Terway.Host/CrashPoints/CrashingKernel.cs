using System.Reflection;
using Terway.Host.Kernel;
using Terway.Plugin;

namespace Terway.Host.CrashPoints;

/// <summary>
/// The kernel's points: one for each method of <see cref="INodeKernel"/> that does more than look. A proxy, so that a method that is added is a point
/// from its first day.
/// </summary>
#pragma warning disable CA1852 // the proxy is a generated subclass
internal class CrashingKernel : DispatchProxy
#pragma warning restore CA1852
{
    private static readonly MethodInfo s_finish = typeof(CrashingKernel).GetMethod(nameof(FinishResultAsync), BindingFlags.NonPublic | BindingFlags.Instance)!;

    private INodeKernel _inner = null!;
    private CrashPlan _plan = null!;

    public static INodeKernel Wrap(INodeKernel inner, CrashPlan plan)
    {
        var proxy = Create<INodeKernel, CrashingKernel>();
        var self = (CrashingKernel)(object)proxy;
        (self._inner, self._plan) = (inner, plan);
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (!PointNames.HasEffect(targetMethod!)) return Call(targetMethod!, args);
        var point = targetMethod!.Name == nameof(INodeKernel.ApplyAsync) ? PointNames.OfApply((string?)args![1]) : PointNames.OfKernel(targetMethod);
        _plan.Pass(point, CrashMoment.Before);
        if (Half(targetMethod.Name, args) is { } half && _plan.Takes(point, CrashMoment.Half)) return EndAfterAsync(targetMethod, half);
        var result = Call(targetMethod, args);
        switch (result)
        {
            case Task task when targetMethod.ReturnType.IsGenericType:
                return s_finish.MakeGenericMethod(targetMethod.ReturnType.GenericTypeArguments).Invoke(this, [task, point]);
            case Task task:
                return FinishAsync(task, point);
            default:
                _plan.Pass(point, CrashMoment.After);
                return result;
        }
    }

    // The first half of one plan's objects, or of each of several plans. Only of steps that go through their objects one by one.
    private static object?[]? Half(string method, object?[]? args) => (method, args?.FirstOrDefault()) switch
    {
        (nameof(INodeKernel.ApplyAsync), IReadOnlyList<KernelObject> { Count: > 1 } plan) => [plan.Take(plan.Count / 2).ToArray(), .. args![1..]],
        (nameof(INodeKernel.RemoveAsync), IReadOnlyList<IReadOnlyList<KernelObject>> { Count: > 0 } plans) =>
            [plans.Select(static p => (IReadOnlyList<KernelObject>)[.. p.Take((p.Count + 1) / 2)]).ToArray(), .. args![1..]],
        _ => null,
    };

    private object? Call(MethodInfo method, object?[]? args) => method.Invoke(_inner, BindingFlags.DoNotWrapExceptions, null, args, null);

    private async Task EndAfterAsync(MethodInfo method, object?[] half)
    {
        if (Call(method, half) is Task task) await task.ConfigureAwait(false);
        _plan.End();
    }

    private async Task FinishAsync(Task task, string point)
    {
        await task.ConfigureAwait(false);
        _plan.Pass(point, CrashMoment.After);
    }

    private async Task<T> FinishResultAsync<T>(Task<T> task, string point)
    {
        var result = await task.ConfigureAwait(false);
        _plan.Pass(point, CrashMoment.After);
        return result;
    }
}
