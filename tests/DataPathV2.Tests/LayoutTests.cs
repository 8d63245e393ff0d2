using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Terway.Plugins.DataPathV2.Abi;

namespace Terway.Plugins.DataPathV2.Tests;

/// <summary>The C header is compiled by the host's compiler and compared with the C# mirrors, member by member.</summary>
public sealed class LayoutTests
{
    private static readonly (Type Managed, string Native)[] s_structs =
    [
        (typeof(Pod), "dp_pod"), (typeof(Sender4), "dp_sender4"), (typeof(Sender6), "dp_sender6"), (typeof(Hints), "dp_hints"), (typeof(EniKey), "dp_eni_key"),
        (typeof(Eni), "dp_eni"), (typeof(Net4), "dp_net4"), (typeof(Net6), "dp_net6"),
        (typeof(Flow4), "dp_flow4"), (typeof(Flow6), "dp_flow6"), (typeof(LimitKey), "dp_limit_key"), (typeof(Limit), "dp_limit"), (typeof(Pace), "dp_pace"),
        (typeof(SvcAddress), "svc_address"), (typeof(SvcFrontend), "svc_frontend"), (typeof(SvcSlot), "svc_slot"), (typeof(SvcMember), "svc_member"),
        (typeof(SvcClient), "svc_client"), (typeof(SvcChoice), "svc_choice"), (typeof(SvcPeer), "svc_peer"),
    ];

    [Fact]
    public void Structs_have_the_sizes_and_offsets_of_the_header()
    {
        var c = new StringBuilder();
        var expected = new StringBuilder();
        foreach (var (managed, native) in s_structs)
        {
            c.AppendLine(CultureInfo.InvariantCulture, $"printf(\"{native} %zu\\n\", sizeof(struct {native}));");
            expected.AppendLine(CultureInfo.InvariantCulture, $"{native} {SizeOf(managed)}");
            foreach (var field in managed.GetFields(BindingFlags.Instance | BindingFlags.Public))
            {
                var member = $"{native}, {Snake(field.Name)}";
                c.AppendLine(CultureInfo.InvariantCulture, $"printf(\"{member} %zu\\n\", offsetof(struct {member}));");
                expected.AppendLine(CultureInfo.InvariantCulture, $"{member} {OffsetOf(managed, field)}");
            }
        }

        c.AppendLine("printf(\"%zu %zu %zu\\n\", offsetof(struct dp_pod, ifindex), offsetof(struct dp_eni, ifindex), offsetof(struct dp_limit, ifindex));");
        expected.AppendLine(CultureInfo.InvariantCulture, $"{Pod.LinkOffset} {Eni.LinkOffset} {Limit.LinkOffset}");
        Assert.Equal(expected.ToString(), CompileAndRun(c.ToString()));
    }

    [Fact]
    public void Enums_and_limits_have_the_values_and_names_of_the_header()
    {
        const string c = """
            #define X(value, id, name) printf("%d %s\n", DP_DROP_##id, name);
            DP_DROP_REASONS(X)
            #undef X
            #define X(value, id, name) printf("%d %s\n", DP_PATH_##id, name);
            DP_PATHS(X)
            #undef X
            #define X(value, id, name) printf("%d %s\n", SVC_OUTCOME_##id, name);
            SVC_OUTCOMES(X)
            printf("%d %d %d %d %d\n", SVC_ABI, SVC_OUTCOME_MAX, SVC_NODE_ONLY, SVC_CLIENT_NETNS, SVC_CLIENT_SOCKET);
            printf("%d %d %d %d %d %d %d %d\n", DP_ABI, DP_DROP_MAX, DP_PATH_MAX, DP_POD_SHAPED, DP_POD_PACED, DP_HINTS, DP_SENDERS, DP_HINT_ROW);
            printf("%llu %llu %llu\n", DP_EGRESS_HORIZON_NS, DP_INGRESS_HORIZON_NS, DP_INGRESS_HORIZON_LEN);
            """;
        var expected = new StringBuilder();
        foreach (var reason in Enum.GetValues<DropReason>().Where(static r => r != DropReason.None))
            expected.AppendLine(CultureInfo.InvariantCulture, $"{(int)reason} {WireNames.Of(reason)}");
        foreach (var path in Enum.GetValues<PathTaken>())
            expected.AppendLine(CultureInfo.InvariantCulture, $"{(int)path} {WireNames.Of(path)}");
        foreach (var outcome in Enum.GetValues<SvcOutcome>())
            expected.AppendLine(CultureInfo.InvariantCulture, $"{(int)outcome} {WireNames.Of(outcome)}");
        expected.AppendLine(CultureInfo.InvariantCulture, $"{SvcLimits.Abi} {SvcLimits.MaxOutcomes} {(int)SvcFrontendFlags.NodeOnly} 0 1");
        expected.AppendLine(
            CultureInfo.InvariantCulture,
            $"{DpAbi.Version} {DpLimits.MaxDropReasons} {DpLimits.MaxPaths} {(int)PodFlags.Shaped} {(int)PodFlags.Paced} {DpLimits.Hints} {DpLimits.Senders} {DpLimits.HintRow}");
        expected.AppendLine(CultureInfo.InvariantCulture, $"{DpLimits.EgressHorizonNanoseconds} {DpLimits.IngressHorizonNanoseconds} {DpLimits.IngressHorizonBytes}");
        Assert.Equal(expected.ToString(), CompileAndRun(c));
    }

    private static string CompileAndRun(string body)
    {
        var folder = Directory.CreateTempSubdirectory("dp-layout-");
        try
        {
            var source = Path.Combine(folder.FullName, "layout.c");
            var program = Path.Combine(folder.FullName, "layout");
            File.WriteAllText(source, $$"""
                #include <stddef.h>
                #include <stdio.h>
                #include "{{Path.Combine(AppContext.BaseDirectory, "bpf", "include", "dp_abi.h")}}"
                #include "{{Path.Combine(AppContext.BaseDirectory, "bpf", "include", "svc_abi.h")}}"
                int main(void)
                {
                {{body}}
                return 0;
                }
                """);
            Run("gcc", "-Wall", "-Werror", "-o", program, source);
            return Run(program);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Run(string file, params string[] arguments)
    {
        var start = new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{file} ended with {process.ExitCode}: {error.GetAwaiter().GetResult()}");
        return output;
    }

    private static int SizeOf(Type type) => (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;

    /// <summary>Where a field really is: a struct whose every byte is its own offset is read back field by field.</summary>
    private static int OffsetOf(Type type, FieldInfo field) =>
        (int)typeof(LayoutTests).GetMethod(nameof(FirstByteOf), BindingFlags.Static | BindingFlags.NonPublic)!
            .MakeGenericMethod(type, field.FieldType).Invoke(null, [field])!;

    private static int FirstByteOf<TStruct, TField>(FieldInfo field)
        where TStruct : unmanaged
        where TField : unmanaged
    {
        TStruct counted = default;
        var bytes = MemoryMarshal.AsBytes(new Span<TStruct>(ref counted));
        for (var i = 0; i < bytes.Length; i++) bytes[i] = (byte)i;
        var value = (TField)field.GetValue(counted)!;
        return MemoryMarshal.AsBytes(new Span<TField>(ref value))[0];
    }

    private static string Snake(string pascal) => pascal switch
    {
        "IfIndex" => "ifindex",
        _ => string.Concat(pascal.Select(static (c, i) => char.IsUpper(c) && i > 0 ? $"_{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}")),
    };
}
