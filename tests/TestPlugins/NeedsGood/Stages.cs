using System.Composition;
using Terway.Plugin;

namespace NeedsGood;

[Shared]
[Export(typeof(IPodStage))]
public sealed class ALateStage : IPodStage
{
    public int Order => 20;
}

[Shared]
[Export(typeof(IPodStage))]
public sealed class TheEarlyStage : IPodStage
{
    public int Order => 10;
}
