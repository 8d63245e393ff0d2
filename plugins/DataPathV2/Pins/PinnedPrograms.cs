using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Terway.Linux;
using Terway.Linux.Bpf;

namespace Terway.Plugins.DataPathV2.Pins;

/// <summary>What programs are loaded with.</summary>
/// <param name="Name">Of the constant in the C source.</param>
/// <param name="Value">Its value.</param>
/// <param name="IsLong">Whether it has 64 bits and not 32.</param>
internal readonly record struct ProgramConstant(string Name, ulong Value, bool IsLong = false);

/// <summary>
/// Loads the programs and pins each in the place of the one before it. Which build is pinned is in the plugin's store: a restart with the same
/// build loads nothing, and leaves the filters of all pods as they are.
/// </summary>
internal sealed class PinnedPrograms(IPluginStore store, string folder, string objects, IReadOnlyList<string> programs)
{
    private const string RecordPrefix = "program/";

    /// <summary>Brings all programs up to this build. Filters follow as the host compares them with the pins.</summary>
    /// <returns>Names of the programs that were loaded.</returns>
    /// <exception cref="LinuxException">The kernel refused; its verifier's words are in the message.</exception>
    public async Task<IReadOnlyList<string>> UpdateAsync(
        PinnedMaps maps, IReadOnlyList<ProgramConstant> constants, CancellationToken cancellationToken)
    {
        var records = store.Load(RecordPrefix);
        var loaded = new List<string>();
        foreach (var name in programs)
        {
            var image = await File.ReadAllBytesAsync(Path.Combine(objects, $"{name}.bpf.o"), cancellationToken);
            var build = BuildOf(image, maps, constants);
            var path = PinFile.PathOf(folder, name);
            if (records.TryGetValue(RecordPrefix + name, out var record) && IsPinned(path, build, record)) continue;

            var id = Load(name, image, path, maps, constants);
            await store.WriteAsync([new(RecordPrefix + name, Encoding.ASCII.GetBytes(RecordOf(build, id)))], cancellationToken);
            loaded.Add(name);
        }

        return loaded;
    }

    private static string RecordOf(string build, uint id) => string.Create(CultureInfo.InvariantCulture, $"{build} {id}");

    // Ids of programs are not used twice before a reboot, which takes the pins.
    private static bool IsPinned(string path, string build, byte[] record)
    {
        using var pinned = BpfProgram.OpenPinned(path);
        return pinned is not null && Encoding.ASCII.GetString(record) == RecordOf(build, pinned.Id);
    }

    private static uint Load(string name, byte[] image, string path, PinnedMaps maps, IReadOnlyList<ProgramConstant> constants)
    {
        using var loading = BpfObject.Open(image, name);
        foreach (var (map, existing) in maps.All) loading.ReuseMap(map, existing);
        foreach (var constant in constants)
        {
            if (constant.IsLong) loading.SetConstant(constant.Name, constant.Value);
            else loading.SetConstant(constant.Name, (uint)constant.Value);
        }

        loading.Load();
        var program = loading.Programs[name];
        PinFile.Replace(path, program.Pin);
        return program.Id;
    }

    // The code, what it was told, and the maps that it was bound to.
    private static string BuildOf(byte[] image, PinnedMaps maps, IReadOnlyList<ProgramConstant> constants)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> number = stackalloc byte[sizeof(ulong)];
        hash.AppendData(image);
        foreach (var value in maps.All.Select(static m => (ulong)m.Value.Id).Concat(constants.Select(static c => c.Value)))
        {
            BinaryPrimitives.WriteUInt64LittleEndian(number, value);
            hash.AppendData(number);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
