using System.Runtime.InteropServices;

namespace Terway.Linux.Native;

internal static class bpf
{
    public const int BPF_MAP_CREATE = 0;
    public const int BPF_MAP_LOOKUP_ELEM = 1;
    public const int BPF_MAP_UPDATE_ELEM = 2;
    public const int BPF_MAP_DELETE_ELEM = 3;
    public const int BPF_MAP_GET_NEXT_KEY = 4;
    public const int BPF_OBJ_PIN = 6;
    public const int BPF_OBJ_GET = 7;
    public const int BPF_PROG_TEST_RUN = 10;
    public const int BPF_PROG_GET_FD_BY_ID = 13;
    public const int BPF_MAP_GET_FD_BY_ID = 14;
    public const int BPF_OBJ_GET_INFO_BY_FD = 15;
    public const int BPF_PROG_QUERY = 16;
    public const int BPF_MAP_LOOKUP_BATCH = 24;
    public const int BPF_MAP_LOOKUP_AND_DELETE_BATCH = 25;
    public const int BPF_MAP_UPDATE_BATCH = 26;
    public const int BPF_MAP_DELETE_BATCH = 27;
    public const int BPF_LINK_CREATE = 28;
    public const int BPF_LINK_UPDATE = 29;
    public const int BPF_LINK_DETACH = 34;
    public const int BPF_OBJ_NAME_LEN = 16;
    public const int BPF_MAP_TYPE_PERCPU_HASH = 5;
    public const int BPF_MAP_TYPE_PERCPU_ARRAY = 6;
    public const int BPF_MAP_TYPE_LRU_PERCPU_HASH = 10;
    public const int BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE = 21;
    public const int BTF_KIND_VAR = 14;
    public const int BTF_KIND_DATASEC = 15;
}

[StructLayout(LayoutKind.Explicit, Size = 72)]
internal struct bpf_attr_map_create
{
    [FieldOffset(0)] public uint map_type;
    [FieldOffset(4)] public uint key_size;
    [FieldOffset(8)] public uint value_size;
    [FieldOffset(12)] public uint max_entries;
    [FieldOffset(16)] public uint map_flags;
    [FieldOffset(20)] public int inner_map_fd;
    [FieldOffset(28)] public ulong map_name;
    [FieldOffset(36)] public ulong map_name_end;
}

[StructLayout(LayoutKind.Explicit, Size = 32)]
internal struct bpf_attr_elem
{
    [FieldOffset(0)] public int map_fd;
    [FieldOffset(8)] public ulong key;
    [FieldOffset(16)] public ulong value;
    [FieldOffset(24)] public ulong flags;
}

[StructLayout(LayoutKind.Explicit, Size = 56)]
internal struct bpf_attr_batch
{
    [FieldOffset(0)] public ulong in_batch;
    [FieldOffset(8)] public ulong out_batch;
    [FieldOffset(16)] public ulong keys;
    [FieldOffset(24)] public ulong values;
    [FieldOffset(32)] public uint count;
    [FieldOffset(36)] public int map_fd;
    [FieldOffset(40)] public ulong elem_flags;
    [FieldOffset(48)] public ulong flags;
}

[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct bpf_attr_obj
{
    [FieldOffset(0)] public ulong pathname;
    [FieldOffset(8)] public int bpf_fd;
    [FieldOffset(12)] public uint file_flags;
}

[StructLayout(LayoutKind.Explicit, Size = 80)]
internal struct bpf_attr_test
{
    [FieldOffset(0)] public int prog_fd;
    [FieldOffset(4)] public uint retval;
    [FieldOffset(8)] public uint data_size_in;
    [FieldOffset(12)] public uint data_size_out;
    [FieldOffset(16)] public ulong data_in;
    [FieldOffset(24)] public ulong data_out;
    [FieldOffset(32)] public uint repeat;
    [FieldOffset(36)] public uint duration;
    [FieldOffset(40)] public uint ctx_size_in;
    [FieldOffset(44)] public uint ctx_size_out;
    [FieldOffset(48)] public ulong ctx_in;
    [FieldOffset(56)] public ulong ctx_out;
    [FieldOffset(64)] public uint flags;
}

[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct bpf_attr_info
{
    [FieldOffset(0)] public int bpf_fd;
    [FieldOffset(4)] public uint info_len;
    [FieldOffset(8)] public ulong info;
}

[StructLayout(LayoutKind.Explicit, Size = 8)]
internal struct bpf_attr_get_id
{
    [FieldOffset(0)] public uint id;
    [FieldOffset(4)] public uint next_id;
}

[StructLayout(LayoutKind.Explicit, Size = 32)]
internal struct bpf_attr_link_create
{
    [FieldOffset(0)] public int prog_fd;
    [FieldOffset(4)] public int target_fd;
    [FieldOffset(8)] public uint attach_type;
    [FieldOffset(12)] public uint flags;
    [FieldOffset(16)] public int relative_fd;
    [FieldOffset(24)] public ulong expected_revision;
}

/// <summary>As large as in Linux 6.6, whose kernel writes the revision at its end whatever size it was told.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct bpf_attr_query
{
    [FieldOffset(0)] public int target_fd;
    [FieldOffset(4)] public uint attach_type;
    [FieldOffset(8)] public uint query_flags;
    [FieldOffset(12)] public uint attach_flags;
    [FieldOffset(16)] public ulong prog_ids;
    [FieldOffset(24)] public uint prog_cnt;
}

[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct bpf_attr_link_update
{
    [FieldOffset(0)] public int link_fd;
    [FieldOffset(4)] public int new_prog_fd;
    [FieldOffset(8)] public uint flags;
    [FieldOffset(12)] public int old_prog_fd;
}

[StructLayout(LayoutKind.Explicit, Size = 4)]
internal struct bpf_attr_link_detach
{
    [FieldOffset(0)] public int link_fd;
}

[StructLayout(LayoutKind.Explicit, Size = 40)]
internal unsafe struct bpf_map_info
{
    [FieldOffset(0)] public uint type;
    [FieldOffset(4)] public uint id;
    [FieldOffset(8)] public uint key_size;
    [FieldOffset(12)] public uint value_size;
    [FieldOffset(16)] public uint max_entries;
    [FieldOffset(20)] public uint map_flags;
    [FieldOffset(24)] public fixed byte name[16];
}

[StructLayout(LayoutKind.Explicit, Size = 32)]
internal struct bpf_link_info
{
    [FieldOffset(0)] public uint type;
    [FieldOffset(4)] public uint id;
    [FieldOffset(8)] public uint prog_id;

    /// <summary>Of a link to a cgroup.</summary>
    [FieldOffset(16)] public ulong cgroup_id;

    /// <summary>Of a tcx link.</summary>
    [FieldOffset(16)] public uint tcx_ifindex;
}

[StructLayout(LayoutKind.Explicit, Size = 80)]
internal unsafe struct bpf_prog_info
{
    [FieldOffset(0)] public uint type;
    [FieldOffset(4)] public uint id;
    [FieldOffset(64)] public fixed byte name[16];
}

[StructLayout(LayoutKind.Sequential)]
internal struct btf_type
{
    public uint name_off;
    public uint info;
    public uint size;
}

[StructLayout(LayoutKind.Sequential)]
internal struct btf_var_secinfo
{
    public uint type;
    public uint offset;
    public uint size;
}
