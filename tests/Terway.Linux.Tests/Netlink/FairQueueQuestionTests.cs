using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.Linux.Tests.Netlink;

/// <summary>With no other test beside them: those have threads in namespaces too.</summary>
[CollectionDefinition(nameof(FairQueueQuestionTests), DisableParallelization = true)]
[Collection(nameof(FairQueueQuestionTests))]
public sealed class FairQueueQuestionTests : RtnlTest
{
    [Fact]
    public void The_kernel_is_asked_without_a_trace()
    {
        var before = Node.DumpQdiscs().Count;
        var has = FairQueue.IsInKernel();
        Assert.Equal(has, FairQueue.IsInKernel());
        Assert.Equal(before, Node.DumpQdiscs().Count);
        Assert.Empty(NetNsAudit.ThreadsOutside(Box.Thread.Home));
    }
}
