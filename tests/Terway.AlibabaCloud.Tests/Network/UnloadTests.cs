using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Text;
using Terway.AlibabaCloud.Network;

namespace Terway.AlibabaCloud.Tests.Network;

public sealed class UnloadTests
{
    [Fact]
    public void Typed_layer_used_in_a_load_context_of_its_own_lets_it_unload()
    {
        WeakReference context = UseOnce();
        for (int i = 0; i < 20 && context.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(context.IsAlive, "Something outside still refers to the assembly.");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference UseOnce()
    {
        AssemblyLoadContext context = new("plugin", isCollectible: true);
        Assembly assembly = context.LoadFromAssemblyPath(typeof(CloudNetwork).Assembly.Location);
        Type Named(string name) => assembly.GetType($"Terway.AlibabaCloud.{name}", throwOnError: true)!;
        Assert.NotSame(typeof(CloudNetwork), Named("Network.CloudNetwork"));

        Func<string, string, IReadOnlyList<KeyValuePair<string, string>>, CancellationToken, Task<byte[]>> host =
            (_, _, _, _) => Task.FromResult(Encoding.UTF8.GetBytes(SampleAnswers.Enis("", SampleAnswers.Eni)));
        Delegate invoke = Delegate.CreateDelegate(Named("Transport.CloudInvoke"), host.Target, host.Method);
        object network = Activator.CreateInstance(Named("Network.CloudNetwork"), invoke)!;
        object request = Activator.CreateInstance(Named("Network.DescribeNetworkInterfacesRequest"))!;
        Task call = (Task)network.GetType().GetMethod("DescribeNetworkInterfacesAsync")!.Invoke(network, [request, CancellationToken.None])!;
        Assert.True(call.IsCompletedSuccessfully);

        IDisposable metadata = (IDisposable)Activator.CreateInstance(
            Named("Metadata.InstanceMetadata"), BindingFlags.OptionalParamBinding | BindingFlags.CreateInstance | BindingFlags.Instance | BindingFlags.Public,
            null, [Type.Missing, Type.Missing, Type.Missing], null)!;
        metadata.Dispose();
        context.Unload();
        return new WeakReference(context);
    }
}
