using System.Runtime.InteropServices;

namespace Terway.Linux.Native;

/// <summary>libbpf 1.x. Handles are the library's opaque pointers.</summary>
internal static unsafe partial class Libbpf
{
    private const string B = "libbpf.so.1";

    [LibraryImport(B)]
    public static partial void* libbpf_set_print(delegate* unmanaged<int, byte*, nint, int> print);

    [LibraryImport(B, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint bpf_object__open_file(string path, bpf_object_open_opts* options);

    [LibraryImport(B)]
    public static partial nint bpf_object__open_mem(byte* image, nuint size, bpf_object_open_opts* options);

    [LibraryImport(B)]
    public static partial int bpf_object__load(nint obj);

    [LibraryImport(B)]
    public static partial void bpf_object__close(nint obj);

    [LibraryImport(B)]
    public static partial nint bpf_object__next_map(nint obj, nint previous);

    [LibraryImport(B)]
    public static partial nint bpf_object__next_program(nint obj, nint previous);

    [LibraryImport(B)]
    public static partial nint bpf_object__btf(nint obj);

    [LibraryImport(B)]
    public static partial byte* bpf_map__name(nint map);

    [LibraryImport(B)]
    public static partial int bpf_map__fd(nint map);

    [LibraryImport(B)]
    public static partial int bpf_map__set_max_entries(nint map, uint entries);

    [LibraryImport(B)]
    public static partial int bpf_map__reuse_fd(nint map, int fd);

    [LibraryImport(B)]
    public static partial int bpf_map__set_inner_map_fd(nint map, int fd);

    [LibraryImport(B)]
    public static partial void* bpf_map__initial_value(nint map, nuint* size);

    [LibraryImport(B)]
    public static partial byte* bpf_program__name(nint program);

    [LibraryImport(B)]
    public static partial int bpf_program__fd(nint program);

    [LibraryImport(B)]
    public static partial int bpf_program__set_autoload(nint program, byte autoload);

    [LibraryImport(B)]
    public static partial byte bpf_program__autoload(nint program);

    [LibraryImport(B, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int btf__find_by_name_kind(nint btf, string name, uint kind);

    [LibraryImport(B)]
    public static partial btf_type* btf__type_by_id(nint btf, uint id);

    [LibraryImport(B)]
    public static partial byte* btf__name_by_offset(nint btf, uint offset);

    [LibraryImport(B)]
    public static partial int libbpf_num_possible_cpus();
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct bpf_object_open_opts
{
    public nuint sz;
    public byte* object_name;
    public byte relaxed_maps;
    public byte* pin_root_path;
    public uint attach_prog_fd;
    public byte* kconfig;
    public byte* btf_custom_path;
    public byte* kernel_log_buf;
    public nuint kernel_log_size;
    public uint kernel_log_level;
}
