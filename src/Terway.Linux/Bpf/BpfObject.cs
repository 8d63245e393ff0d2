using System.Runtime.InteropServices;
using Terway.Linux.Native;

namespace Terway.Linux.Bpf;

/// <summary>
/// An eBPF object file: open it, adjust it, load it, take its maps and programs. They live until this object is disposed, unless
/// pinned or attached. Not thread safe until loaded.
/// </summary>
public sealed unsafe class BpfObject : IDisposable
{
    private const int LogBytes = 1024 * 1024;

    private readonly string _name;
    private readonly Dictionary<string, nint> _declaredMaps = [];
    private readonly Dictionary<string, nint> _declaredPrograms = [];
    private readonly Dictionary<string, BpfMap> _maps = [];
    private readonly Dictionary<string, BpfProgram> _programs = [];
    private byte* _log;
    private nint _object;
    private bool _loaded;

    private BpfObject(string name, Func<nint, nint> open)
    {
        _name = name;
        _log = (byte*)NativeMemory.AllocZeroed(LogBytes);
        try
        {
            var errno = 0;
            _object = LibbpfLog.Collect(
                () =>
                {
                    var options = new bpf_object_open_opts
                    {
                        sz = (nuint)sizeof(bpf_object_open_opts),
                        kernel_log_buf = _log,
                        kernel_log_size = LogBytes,
                    };
                    var result = open((nint)(&options));
                    errno = Libc.Errno;
                    return result;
                },
                out var text);
            if (_object == 0)
                throw new BpfException(errno, $"open eBPF object {name}", text);
            for (var map = Libbpf.bpf_object__next_map(_object, 0); map != 0; map = Libbpf.bpf_object__next_map(_object, map))
                _declaredMaps[Text(Libbpf.bpf_map__name(map))] = map;
            for (var program = Libbpf.bpf_object__next_program(_object, 0); program != 0; program = Libbpf.bpf_object__next_program(_object, program))
                _declaredPrograms[Text(Libbpf.bpf_program__name(program))] = program;
        }
        catch
        {
            Release();
            throw;
        }
    }

    ~BpfObject() => Release();

    /// <summary>Maps by name, once loaded.</summary>
    public IReadOnlyDictionary<string, BpfMap> Maps => _maps;

    /// <summary>Programs by function name, once loaded.</summary>
    public IReadOnlyDictionary<string, BpfProgram> Programs => _programs;

    /// <summary>Opens an object file.</summary>
    /// <exception cref="BpfException">The file is missing or not an eBPF object; the message has libbpf's words.</exception>
    /// <exception cref="DllNotFoundException">libbpf is not installed.</exception>
    public static BpfObject Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new(path, options => Libbpf.bpf_object__open_file(path, (bpf_object_open_opts*)options));
    }

    /// <summary>Opens an object held in memory, e.g. a resource.</summary>
    /// <inheritdoc cref="Open(string)" path="/exception"/>
    public static BpfObject Open(ReadOnlyMemory<byte> image, string name)
    {
        using var pin = image.Pin();
        var start = (nint)pin.Pointer;
        return new(name, options => Libbpf.bpf_object__open_mem((byte*)start, (nuint)image.Length, (bpf_object_open_opts*)options));
    }

    /// <summary>Sets a map's size before loading.</summary>
    public void SetMaxEntries(string map, uint entries) =>
        Check(Libbpf.bpf_map__set_max_entries(Declared(map), entries), $"set size of map {map}");

    /// <summary>Uses an existing map in the place of a declared one; type and sizes must fit.</summary>
    public void ReuseMap(string map, BpfMap existing)
    {
        ArgumentNullException.ThrowIfNull(existing);
        Check(Libbpf.bpf_map__reuse_fd(Declared(map), existing.Fd), $"use an existing map for {map}");
    }

    /// <summary>Leaves a program out.</summary>
    public void SkipProgram(string program)
    {
        NotLoaded();
        if (!_declaredPrograms.TryGetValue(program, out var handle))
            throw new ArgumentException($"eBPF object {_name} has no program {program}; it has {string.Join(", ", _declaredPrograms.Keys)}", nameof(program));
        Check(Libbpf.bpf_program__set_autoload(handle, 0), $"leave out program {program}");
    }

    /// <summary>Sets a <c>const volatile</c> global before loading: the verifier sees the value and drops branches that it rules out.</summary>
    /// <exception cref="ArgumentException">No such constant, or of another size.</exception>
    public void SetConstant<T>(string name, T value)
        where T : unmanaged
    {
        NotLoaded();
        var btf = Libbpf.bpf_object__btf(_object);
        var id = btf == 0 ? -1 : Libbpf.btf__find_by_name_kind(btf, ".rodata", bpf.BTF_KIND_DATASEC);
        if (id < 0)
            throw new ArgumentException($"eBPF object {_name} has no constants with type information (compile with -g)", nameof(name));
        var section = Libbpf.btf__type_by_id(btf, (uint)id);
        var variables = new ReadOnlySpan<btf_var_secinfo>(section + 1, (int)(section->info & 0xffff));
        foreach (ref readonly var variable in variables)
        {
            if (Text(Libbpf.btf__name_by_offset(btf, Libbpf.btf__type_by_id(btf, variable.type)->name_off)) != name)
                continue;
            if (variable.size != sizeof(T))
                throw new ArgumentException($"constant {name} of {_name} has {variable.size} bytes, {typeof(T).Name} has {sizeof(T)}", nameof(value));
            MemoryMarshal.Write(ReadOnlyData().Slice((int)variable.offset, sizeof(T)), in value);
            return;
        }

        throw new ArgumentException($"eBPF object {_name} has no constant {name}", nameof(name));
    }

    /// <summary>Loads maps and programs into the kernel.</summary>
    /// <exception cref="BpfException">With libbpf's words and, when the verifier refused a program, its log.</exception>
    public void Load()
    {
        NotLoaded();
        var result = LibbpfLog.Collect(() => Libbpf.bpf_object__load(_object), out var text);
        if (result < 0)
            throw new BpfException(-result, $"load eBPF object {_name}", text, Marshal.PtrToStringUTF8((nint)_log));
        _loaded = true;
        foreach (var (name, map) in _declaredMaps)
            _maps.Add(name, new BpfMap(BpfSyscall.Duplicate(Libbpf.bpf_map__fd(map)), name));
        foreach (var (name, program) in _declaredPrograms)
        {
            if (Libbpf.bpf_program__autoload(program) != 0)
                _programs.Add(name, new BpfProgram(BpfSyscall.Duplicate(Libbpf.bpf_program__fd(program)), name));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var map in _maps.Values)
            map.Dispose();
        foreach (var program in _programs.Values)
            program.Dispose();
        Release();
        GC.SuppressFinalize(this);
    }

    private static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    private nint Declared(string map)
    {
        NotLoaded();
        return _declaredMaps.TryGetValue(map, out var handle)
            ? handle
            : throw new ArgumentException($"eBPF object {_name} has no map {map}; it has {string.Join(", ", _declaredMaps.Keys)}", nameof(map));
    }

    private Span<byte> ReadOnlyData()
    {
        foreach (var (name, map) in _declaredMaps)
        {
            if (!name.EndsWith(".rodata", StringComparison.Ordinal))
                continue;
            nuint size;
            var data = Libbpf.bpf_map__initial_value(map, &size);
            return new(data, (int)size);
        }

        throw new InvalidOperationException($"eBPF object {_name} has no read-only data");
    }

    private void NotLoaded()
    {
        ObjectDisposedException.ThrowIf(_object == 0, this);
        if (_loaded)
            throw new InvalidOperationException($"eBPF object {_name} is loaded already");
    }

    private void Check(int result, string operation)
    {
        if (result < 0)
            throw new BpfException(-result, $"{operation} of eBPF object {_name}");
    }

    private void Release()
    {
        if (_object != 0)
            Libbpf.bpf_object__close(_object);
        _object = 0;
        NativeMemory.Free(_log);
        _log = null;
    }
}
