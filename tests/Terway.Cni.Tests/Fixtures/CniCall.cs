using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Terway.Cni.Tests.Fixtures;

/// <summary>One run of the binary as a process, with exactly the environment and stdin of the test.</summary>
public sealed class CniCall
{
    private readonly string _binary;

    public CniCall(string binary, string verb, string? netNs = null)
    {
        _binary = binary;
        Env["CNI_COMMAND"] = verb;
        if (verb is "STATUS" or "GC" or "VERSION")
            return;
        Env["CNI_CONTAINERID"] = "c0ffee-1";
        Env["CNI_IFNAME"] = "eth0";
        Env["CNI_PATH"] = "/opt/cni/bin";
        if (netNs is not null)
            Env["CNI_NETNS"] = netNs;
    }

    public Dictionary<string, string> Env { get; } = [];

    public byte[] Stdin { get; set; } = [];

    /// <summary>When set, /bin/sh runs this with the binary's path as $0, for redirections that Process cannot make.</summary>
    public string? Shell { get; set; }

    /// <summary>Leave stdin open after writing.</summary>
    public bool HoldStdin { get; set; }

    public CniCall With(string name, string? value)
    {
        if (value is null)
            Env.Remove(name);
        else
            Env[name] = value;
        return this;
    }

    public CniCall WithStdin(string text)
    {
        Stdin = Encoding.UTF8.GetBytes(text);
        return this;
    }

    public async Task<CniOutcome> Run(CancellationToken cancellationToken)
    {
        var start = Shell is null ? new ProcessStartInfo(_binary) : new ProcessStartInfo("/bin/sh", ["-c", Shell, _binary]);
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin";
        foreach (var (name, value) in Env)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        try
        {
            var output = ReadAll(process.StandardOutput.BaseStream, cancellationToken);
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            await Feed(process, cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return new CniOutcome(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
    }

    private async Task Feed(Process process, CancellationToken cancellationToken)
    {
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(Stdin, cancellationToken);
            await process.StandardInput.BaseStream.FlushAsync(cancellationToken);
            if (!HoldStdin)
                process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The process ended before it had read everything, as it may.
        }
    }

    private static async Task<byte[]> ReadAll(Stream stream, CancellationToken cancellationToken)
    {
        using var all = new MemoryStream();
        await stream.CopyToAsync(all, cancellationToken);
        return all.ToArray();
    }
}

/// <summary>What a runtime sees of a call.</summary>
public sealed record CniOutcome(int ExitCode, byte[] Stdout, string Stderr)
{
    public string Text => Encoding.UTF8.GetString(Stdout);

    public override string ToString() => $"exit {ExitCode}, stdout {Text}, stderr {Stderr}";

    /// <summary>Success, nothing on stderr.</summary>
    public string AssertOk()
    {
        Assert.True(ExitCode == 0 && Stderr.Length == 0, ToString());
        return Text;
    }

    /// <summary>Exit code 1, and stdout holds the specification's error object and nothing else; returns it.</summary>
    public CniError AssertError(int? code = null)
    {
        Assert.True(ExitCode == 1 && Stderr.Length == 0, ToString());
        using var json = JsonDocument.Parse(Stdout);
        var root = json.RootElement;
        foreach (var member in root.EnumerateObject())
            Assert.Contains(member.Name, new[] { "cniVersion", "code", "msg", "details" });
        var error = new CniError(
            root.GetProperty("cniVersion").GetString()!,
            root.GetProperty("code").GetInt32(),
            root.GetProperty("msg").GetString()!,
            root.TryGetProperty("details", out var details) ? details.GetString()! : "");
        Assert.NotEmpty(error.Msg);
        Assert.Contains(error.CniVersion, new[] { "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0" });
        Assert.True(error.Code != Wire.CniErrorCode.Internal || code == Wire.CniErrorCode.Internal, ToString());
        if (code is { } expected)
            Assert.True(expected == error.Code, $"expected code {expected}: {this}");
        return error;
    }
}

public sealed record CniError(string CniVersion, int Code, string Msg, string Details);
