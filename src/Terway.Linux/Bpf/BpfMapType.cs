namespace Terway.Linux.Bpf;

/// <summary>BPF_MAP_TYPE_*; others exist.</summary>
public enum BpfMapType
{
    Hash = 1,
    Array = 2,
    ProgramArray = 3,
    PerCpuHash = 5,
    PerCpuArray = 6,
    LruHash = 9,
    LruPerCpuHash = 10,
    LpmTrie = 11,
    ArrayOfMaps = 12,
    HashOfMaps = 13,
    RingBuffer = 27,
}

/// <summary>Flags of an update.</summary>
public enum BpfUpdate
{
    Any = 0,

    /// <summary>EEXIST when the key is there.</summary>
    NoExist = 1,

    /// <summary>ENOENT when the key is not there.</summary>
    Exist = 2,
}
