using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Terway.Linux.Native;

namespace Terway.Linux.Bpf;

/// <summary>
/// An eBPF map. Thread safe. Keys and values are raw bytes of exactly <see cref="KeySize"/> and <see cref="UserValueSize"/>, or
/// unmanaged types of those sizes.
/// </summary>
public sealed unsafe partial class BpfMap : IDisposable
{
    private readonly FdHandle _handle;

    internal BpfMap(FdHandle handle, string? name = null)
    {
        _handle = handle;
        var info = BpfSyscall.Info<bpf_map_info>(handle.Fd, $"map {name}");
        Name = name ?? BpfSyscall.Name(info.name);
        Id = info.id;
        Type = (BpfMapType)info.type;
        KeySize = (int)info.key_size;
        ValueSize = (int)info.value_size;
        MaxEntries = info.max_entries;
        IsPerCpu = info.type is bpf.BPF_MAP_TYPE_PERCPU_HASH or bpf.BPF_MAP_TYPE_PERCPU_ARRAY or bpf.BPF_MAP_TYPE_LRU_PERCPU_HASH
            or bpf.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
        ValueStride = IsPerCpu ? (ValueSize + 7) & ~7 : ValueSize;
        UserValueSize = IsPerCpu ? ValueStride * PossibleCpus() : ValueSize;
    }

    /// <summary>The name in the object, or, of a map opened otherwise, the kernel's, cut to 15 bytes.</summary>
    public string Name { get; }

    /// <summary>Unique in the kernel.</summary>
    public uint Id { get; }

    public BpfMapType Type { get; }

    public int KeySize { get; }

    /// <summary>Bytes of one value; of one CPU's value where there is one for each.</summary>
    public int ValueSize { get; }

    public uint MaxEntries { get; }

    public bool IsPerCpu { get; }

    /// <summary>Bytes from one CPU's value to the next; else <see cref="ValueSize"/>.</summary>
    public int ValueStride { get; }

    /// <summary>Bytes that a lookup gives and an update takes: all CPUs' values.</summary>
    public int UserValueSize { get; }

    /// <summary>Valid while this object is alive and not disposed.</summary>
    public int Fd => _handle.Fd;

    /// <summary>Makes a map without an object, e.g. an inner map.</summary>
    /// <param name="type">not a map of maps</param>
    /// <param name="keySize">bytes</param>
    /// <param name="valueSize">bytes</param>
    /// <param name="maxEntries">entries</param>
    /// <param name="flags">BPF_F_*, e.g. 1 (NO_PREALLOC), which LPM tries need</param>
    /// <param name="name">the kernel gets its first 15 characters, with _ for what it does not allow</param>
    public static BpfMap Create(BpfMapType type, int keySize, int valueSize, uint maxEntries, uint flags = 0, string name = "")
    {
        var attributes = new bpf_attr_map_create
        {
            map_type = (uint)type,
            key_size = (uint)keySize,
            value_size = (uint)valueSize,
            max_entries = maxEntries,
            map_flags = flags,
        };
        Span<byte> text = stackalloc byte[bpf.BPF_OBJ_NAME_LEN];
        text.Clear();
        for (var i = 0; i < Math.Min(name.Length, bpf.BPF_OBJ_NAME_LEN - 1); i++)
            text[i] = char.IsAsciiLetterOrDigit(name[i]) || name[i] == '.' ? (byte)name[i] : (byte)'_';
        attributes.map_name = MemoryMarshal.Read<ulong>(text);
        attributes.map_name_end = MemoryMarshal.Read<ulong>(text[8..]);
        var fd = BpfSyscall.Call(bpf.BPF_MAP_CREATE, ref attributes);
        return fd >= 0 ? new(new FdHandle(fd), name) : throw new BpfException(-fd, $"create map {name} of type {type}");
    }

    /// <summary>The map pinned at <paramref name="path"/>, null when nothing is.</summary>
    public static BpfMap? OpenPinned(string path) => BpfSyscall.OpenPinned(path) is { } handle ? new(handle) : null;

    /// <summary>The map of this kernel-wide id, null when there is none.</summary>
    public static BpfMap? OpenById(uint id)
    {
        var attributes = new bpf_attr_get_id { id = id };
        var fd = BpfSyscall.Call(bpf.BPF_MAP_GET_FD_BY_ID, ref attributes);
        if (fd >= 0)
            return new(new FdHandle(fd));
        return -fd == Errno.ENOENT ? null : throw new BpfException(-fd, string.Create(CultureInfo.InvariantCulture, $"open map with id {id}"));
    }

    /// <summary>How many CPUs the kernel may ever have: the number of values in a per-CPU map.</summary>
    public static int PossibleCpus()
    {
        // 0-3,8-9: the list of ranges the kernel was booted with.
        var count = 0;
        foreach (var range in File.ReadAllText("/sys/devices/system/cpu/possible").Trim().Split(','))
        {
            var ends = range.Split('-');
            count += int.Parse(ends[^1], CultureInfo.InvariantCulture) - int.Parse(ends[0], CultureInfo.InvariantCulture) + 1;
        }

        return count;
    }

    /// <summary>Keeps the map in the bpf file system. EEXIST: something is pinned there.</summary>
    public void Pin(string path) => BpfSyscall.Pin(Fd, path);

    /// <summary>Reads the value of a key. False when it is not there.</summary>
    public bool TryLookup(ReadOnlySpan<byte> key, Span<byte> value)
    {
        CheckSize(key.Length, KeySize, "key");
        CheckSize(value.Length, UserValueSize, "value");
        fixed (byte* k = key, v = value)
        {
            var attributes = new bpf_attr_elem { map_fd = Fd, key = (ulong)k, value = (ulong)v };
            return Check(BpfSyscall.Call(bpf.BPF_MAP_LOOKUP_ELEM, ref attributes), "look up a key of", Errno.ENOENT);
        }
    }

    /// <inheritdoc cref="TryLookup(ReadOnlySpan{byte}, Span{byte})"/>
    public bool TryLookup<TKey, TValue>(in TKey key, out TValue value)
        where TKey : unmanaged
        where TValue : unmanaged
    {
        value = default;
        return TryLookup(Bytes(in key), MemoryMarshal.AsBytes(new Span<TValue>(ref value)));
    }

    /// <summary>Reads every CPU's value of a key into <paramref name="values"/>, which has <see cref="PossibleCpus"/> elements.</summary>
    public bool TryLookupPerCpu<TKey, TValue>(in TKey key, Span<TValue> values)
        where TKey : unmanaged
        where TValue : unmanaged
    {
        CheckSize(Unsafe.SizeOf<TValue>(), ValueSize, "value");
        CheckSize(values.Length * ValueStride, UserValueSize, "value array");
        var raw = new byte[UserValueSize];
        if (!TryLookup(Bytes(in key), raw))
            return false;
        for (var i = 0; i < values.Length; i++)
            values[i] = MemoryMarshal.Read<TValue>(raw.AsSpan(i * ValueStride));
        return true;
    }

    /// <summary>Writes a value. E2BIG: the map is full. EEXIST, ENOENT: see <see cref="BpfUpdate"/>.</summary>
    public void Update(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, BpfUpdate mode = BpfUpdate.Any)
    {
        CheckSize(key.Length, KeySize, "key");
        CheckSize(value.Length, UserValueSize, "value");
        fixed (byte* k = key, v = value)
        {
            var attributes = new bpf_attr_elem { map_fd = Fd, key = (ulong)k, value = (ulong)v, flags = (ulong)mode };
            Check(BpfSyscall.Call(bpf.BPF_MAP_UPDATE_ELEM, ref attributes), "update a key of");
        }
    }

    /// <inheritdoc cref="Update(ReadOnlySpan{byte}, ReadOnlySpan{byte}, BpfUpdate)"/>
    public void Update<TKey, TValue>(in TKey key, in TValue value, BpfUpdate mode = BpfUpdate.Any)
        where TKey : unmanaged
        where TValue : unmanaged => Update(Bytes(in key), Bytes(in value), mode);

    /// <summary>Deletes a key. False when it was not there.</summary>
    public bool Delete(ReadOnlySpan<byte> key)
    {
        CheckSize(key.Length, KeySize, "key");
        fixed (byte* k = key)
        {
            var attributes = new bpf_attr_elem { map_fd = Fd, key = (ulong)k };
            return Check(BpfSyscall.Call(bpf.BPF_MAP_DELETE_ELEM, ref attributes), "delete a key of", Errno.ENOENT);
        }
    }

    /// <inheritdoc cref="Delete(ReadOnlySpan{byte})"/>
    public bool Delete<TKey>(in TKey key)
        where TKey : unmanaged => Delete(Bytes(in key));

    /// <summary>
    /// The key after <paramref name="key"/>, the first for an empty span. False at the end. When the key was deleted meanwhile a hash
    /// starts again from its first.
    /// </summary>
    public bool TryNextKey(ReadOnlySpan<byte> key, Span<byte> next)
    {
        if (!key.IsEmpty)
            CheckSize(key.Length, KeySize, "key");
        CheckSize(next.Length, KeySize, "key");
        fixed (byte* k = key, n = next)
        {
            var attributes = new bpf_attr_elem { map_fd = Fd, key = (ulong)k, value = (ulong)n };
            return Check(BpfSyscall.Call(bpf.BPF_MAP_GET_NEXT_KEY, ref attributes), "walk", Errno.ENOENT);
        }
    }

    /// <summary>All keys, as one walk found them: of a map that changes meanwhile some may be missing or double.</summary>
    public IReadOnlyList<TKey> Keys<TKey>()
        where TKey : unmanaged
    {
        List<TKey> keys = [];
        TKey previous = default;
        TKey next = default;
        var first = true;
        while (TryNextKey(first ? default : Bytes(in previous), MemoryMarshal.AsBytes(new Span<TKey>(ref next))))
        {
            // A walk that started again would not end in a map that is written all the time.
            if ((ulong)keys.Count > (ulong)MaxEntries * 2)
                throw new BpfException(Errno.EAGAIN, $"walk map {Name}", "it changes faster than it can be walked");
            keys.Add(next);
            previous = next;
            first = false;
        }

        return keys;
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private static ReadOnlySpan<byte> Bytes<T>(in T value)
        where T : unmanaged => MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value));

    private void CheckSize(int actual, int expected, string what)
    {
        if (actual != expected)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"map {Name} has a {what} of {expected} bytes, not {actual}"));
    }

    private bool Check(int result, string operation, int absent = 0)
    {
        if (result >= 0)
            return true;
        return -result == absent ? false : throw new BpfException(-result, $"{operation} map {Name}");
    }
}
