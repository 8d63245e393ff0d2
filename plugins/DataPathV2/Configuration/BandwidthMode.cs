namespace Terway.Plugins.DataPathV2.Configuration;

/// <summary>How limits of bandwidth are kept, as the settings ask for it.</summary>
internal enum BandwidthMode
{
    /// <summary>By departure times where the kernel has fair queues, else by token buckets.</summary>
    Auto = 0,

    /// <summary>By departure times; a kernel that cannot is reported.</summary>
    Edt = 1,

    /// <summary>By token buckets, as without eBPF.</summary>
    Tbf = 2,
}
