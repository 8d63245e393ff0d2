using System.Text;
using CsCheck;
using Terway.Cni.Wire;

namespace Terway.Cni.Tests;

public sealed class FrameStreamTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Frames_written_are_read_back_sync_and_async()
    {
        using var stream = new MemoryStream();
        var first = CniResponse.Success("{\"a\":\"\u20ac\0\"}");
        var second = CniResponse.Failure(11, "m", "d");
        FrameStream.Write(stream, first, WireJson.Default.CniResponse);
        await FrameStream.WriteAsync(stream, second, WireJson.Default.CniResponse, Cancel);

        stream.Position = 0;
        Assert.Equal(first, FrameStream.Read(stream, WireJson.Default.CniResponse));
        Assert.Equal(second, await FrameStream.ReadAsync(stream, WireJson.Default.CniResponse, Cancel));
        Assert.Null(FrameStream.Read(stream, WireJson.Default.CniResponse));
        Assert.Null(await FrameStream.ReadAsync(stream, WireJson.Default.CniResponse, Cancel));
    }

    [Fact]
    public async Task Frame_cut_at_any_byte_is_refused()
    {
        using var stream = new MemoryStream();
        FrameStream.Write(stream, CniResponse.Success("{}"), WireJson.Default.CniResponse);
        for (var length = 1; length < stream.Length; length++)
        {
            using var cut = new MemoryStream(stream.GetBuffer(), 0, length);
            Assert.Throws<FrameException>(() => FrameStream.Read(cut, WireJson.Default.CniResponse));
            cut.Position = 0;
            await Assert.ThrowsAsync<FrameException>(async () => await FrameStream.ReadAsync(cut, WireJson.Default.CniResponse, Cancel));
        }
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(FrameStream.MaxBody + 1u)]
    [InlineData(0x8000_0000u)]
    [InlineData(uint.MaxValue)]
    public void Length_out_of_bounds_is_refused_before_anything_is_allocated(uint length)
    {
        using var stream = new MemoryStream(BitConverter.GetBytes(length));
        Assert.Throws<FrameException>(() => FrameStream.Read(stream, WireJson.Default.CniRequest));
    }

    [Fact]
    public void Length_is_little_endian() => Assert.Equal(0x01_02_03, FrameStream.DecodeLength([3, 2, 1, 0]));

    [Fact]
    public void Body_above_the_limit_is_not_encoded()
    {
        Assert.Equal(FrameStream.MaxBody + FrameStream.HeaderSize, FrameStream.Encode(new byte[FrameStream.MaxBody]).Length);
        Assert.Throws<FrameException>(() => FrameStream.Encode(new byte[FrameStream.MaxBody + 1]));
        Assert.Throws<FrameException>(() => FrameStream.Encode([]));
    }

    [Fact]
    public void Random_bodies_decode_or_end_in_a_frame_exception() => Gen.Byte.Array[1, 60].Sample(
        body =>
        {
            try
            {
                FrameStream.Decode(body, WireJson.Default.CniRequest);
            }
            catch (FrameException)
            {
            }
        },
        iter: 20_000);

    [Fact]
    public void Request_of_an_older_or_newer_release_is_read()
    {
        var request = FrameStream.Decode(
            Encoding.UTF8.GetBytes("""{"verb":"ADD","new":{"a":[1]},"config":{"k":1}}"""), WireJson.Default.CniRequest);
        Assert.Equal(("ADD", "", CniRequest.CurrentProtocol), (request.Verb, request.NetNs, request.Protocol));
    }

    [Fact]
    public void Spool_names_differ_and_are_safe()
    {
        Assert.NotEqual(CniPaths.SpoolFileName("a", "bc"), CniPaths.SpoolFileName("ab", "c"));
        Assert.Matches("^[0-9a-f]{40}\\.del\\.json$", CniPaths.SpoolFileName("../x\0", "/"));
    }
}
