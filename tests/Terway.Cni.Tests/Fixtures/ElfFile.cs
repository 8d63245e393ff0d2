using System.Buffers.Binary;
using System.Text;

namespace Terway.Cni.Tests.Fixtures;

/// <summary>The part of a 64-bit little-endian ELF file that says what it needs of shared libraries.</summary>
internal sealed class ElfFile
{
    private const uint SectionDynamic = 6;
    private const uint SectionVersionNeeds = 0x6ffffffe;
    private const ulong TagNeeded = 1;

    private readonly byte[] _bytes;

    public ElfFile(string path)
    {
        _bytes = File.ReadAllBytes(path);
        Assert.Equal([0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1], _bytes[..6]);
        var headers = (int)U64(0x28);
        var size = U16(0x3a);
        var count = U16(0x3c);
        for (var i = 0; i < count; i++)
        {
            var header = headers + i * size;
            var type = U32(header + 4);
            if (type is not (SectionDynamic or SectionVersionNeeds))
                continue;
            var strings = (int)U64(headers + (int)U32(header + 0x28) * size + 0x18);
            if (type == SectionDynamic)
                ReadDynamic((int)U64(header + 0x18), (int)U64(header + 0x20), strings);
            else
                ReadVersionNeeds((int)U64(header + 0x18), (int)U32(header + 0x2c), strings);
        }
    }

    /// <summary>Names of the libraries that the loader must find.</summary>
    public List<string> Libraries { get; } = [];

    /// <summary>Symbol versions such as GLIBC_2.29.</summary>
    public List<string> SymbolVersions { get; } = [];

    public Version NewestGlibc => SymbolVersions
        .Where(v => v.StartsWith("GLIBC_", StringComparison.Ordinal) && char.IsAsciiDigit(v[6]))
        .Select(v => Version.Parse(v[6..])).Max() ?? throw new InvalidDataException("the file needs no version of glibc");

    private void ReadDynamic(int offset, int length, int strings)
    {
        for (var entry = offset; entry < offset + length; entry += 16)
        {
            if (U64(entry) == TagNeeded)
                Libraries.Add(Text(strings + (int)U64(entry + 8)));
        }
    }

    private void ReadVersionNeeds(int offset, int count, int strings)
    {
        for (var i = 0; i < count; i++)
        {
            var aux = offset + (int)U32(offset + 8);
            for (var j = 0; j < U16(offset + 2); j++)
            {
                SymbolVersions.Add(Text(strings + (int)U32(aux + 8)));
                aux += (int)U32(aux + 12);
            }

            offset += (int)U32(offset + 12);
        }
    }

    private string Text(int at) => Encoding.ASCII.GetString(_bytes.AsSpan(at, _bytes.AsSpan(at).IndexOf((byte)0)));

    private ushort U16(int at) => BinaryPrimitives.ReadUInt16LittleEndian(_bytes.AsSpan(at));

    private uint U32(int at) => BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(at));

    private ulong U64(int at) => BinaryPrimitives.ReadUInt64LittleEndian(_bytes.AsSpan(at));
}
