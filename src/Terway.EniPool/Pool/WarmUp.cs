namespace Terway.EniPool.Pool;

/// <summary>Addresses to obtain once in the node's life, remembered on disk. Guarded by the pool's lock.</summary>
internal sealed class WarmUp(int target)
{
    public int Target { get; } = target;

    /// <summary>Addresses that the cloud gave since the node's first life.</summary>
    public int Obtained { get; private set; }

    public bool IsDone { get; private set; } = target <= 0;

    /// <summary>The disk does not know it yet.</summary>
    public bool Changed { get; set; }

    public int Left => IsDone ? 0 : Math.Max(0, Target - Obtained);

    public void Restore(int obtained, bool done)
    {
        Obtained = obtained;
        IsDone |= done;
    }

    public void Note(int addresses)
    {
        if (IsDone || addresses <= 0)
        {
            return;
        }

        Obtained += addresses;
        Changed = true;
        if (Obtained >= Target)
        {
            IsDone = true;
        }
    }

    /// <summary>The node has all that it can have.</summary>
    public void Complete()
    {
        Changed |= !IsDone;
        IsDone = true;
    }
}
