using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using Terway.Linux.Native;

namespace Terway.Linux.Tests.Native;

/// <summary>Every constant and every structure of the native layer against the C headers, by a C program that prints what it finds.</summary>
public sealed class CLayoutTests
{
    private const string Headers = """
        #define _GNU_SOURCE
        #include <stddef.h>
        #include <stdio.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <poll.h>
        #include <sched.h>
        #include <netinet/in.h>
        #include <sys/eventfd.h>
        #include <sys/file.h>
        #include <sys/mman.h>
        #include <sys/mount.h>
        #include <sys/resource.h>
        #include <sys/socket.h>
        #include <sys/stat.h>
        #include <sys/syscall.h>
        #include <sys/time.h>
        #include <linux/bpf.h>
        #include <linux/btf.h>
        #include <linux/fib_rules.h>
        #include <linux/filter.h>
        #include <linux/if_addr.h>
        #include <linux/if_ether.h>
        #include <linux/if_link.h>
        #include <linux/if.h>
        #include <linux/inet_diag.h>
        #include <linux/magic.h>
        #include <linux/neighbour.h>
        #include <linux/netlink.h>
        #include <linux/nsfs.h>
        #include <linux/pkt_cls.h>
        #include <linux/pkt_sched.h>
        #include <linux/rtnetlink.h>
        #include <linux/sock_diag.h>
        #include <linux/veth.h>
        #include <bpf/libbpf.h>
        #ifndef NSFS_MAGIC
        #define NSFS_MAGIC 0x6e736673
        #endif
        """;

    private static readonly Type[] s_constants =
    [
        typeof(Terway.Linux.Errno), typeof(fcntl), typeof(sched), typeof(socket), typeof(filter), typeof(netlink), typeof(rtnetlink), typeof(if_link),
        typeof(if_addr), typeof(neighbour), typeof(fib_rules), typeof(pkt_sched), typeof(pkt_cls), typeof(bpf), typeof(sock_diag),
    ];

    /// <summary>Constants of another type or name in C.</summary>
    private static readonly Dictionary<string, string> s_expressions = new()
    {
        ["NLA_TYPE_MASK"] = "(unsigned short)NLA_TYPE_MASK",
        ["TCP_ESTABLISHED"] = "BPF_TCP_ESTABLISHED", // of the kernel itself: the C library has the other
    };

    /// <summary>C# structure, C type, what stands before a member's name there, and whether the whole is mirrored.</summary>
    private static readonly (Type Type, string C, string Prefix, bool Whole)[] s_structs =
    [
        (typeof(nlmsghdr), "struct nlmsghdr", "", true),
        (typeof(sockaddr_nl), "struct sockaddr_nl", "", true),
        (typeof(ifinfomsg), "struct ifinfomsg", "", true),
        (typeof(ifaddrmsg), "struct ifaddrmsg", "", true),
        (typeof(rtmsg), "struct rtmsg", "", true),
        (typeof(tcmsg), "struct tcmsg", "", true),
        (typeof(ndmsg), "struct ndmsg", "", true),
        (typeof(fib_rule_hdr), "struct fib_rule_hdr", "", true),
        (typeof(tc_ratespec), "struct tc_ratespec", "", false),
        (typeof(tc_tbf_qopt), "struct tc_tbf_qopt", "", true),
        (typeof(sock_filter), "struct sock_filter", "", true),
        (typeof(sock_fprog), "struct sock_fprog", "", true),
        (typeof(pollfd), "struct pollfd", "", true),
        (typeof(ucred), "struct ucred", "", true),
        (typeof(timeval), "struct timeval", "", true),
        (typeof(rlimit), "struct rlimit", "", true),
        (typeof(statx_buf), "struct statx", "", true),
        (typeof(btf_type), "struct btf_type", "", true),
        (typeof(btf_var_secinfo), "struct btf_var_secinfo", "", true),
        (typeof(bpf_object_open_opts), "struct bpf_object_open_opts", "", true),
        (typeof(bpf_attr_map_create), "union bpf_attr", "", false),
        (typeof(bpf_attr_elem), "union bpf_attr", "", false),
        (typeof(bpf_attr_batch), "union bpf_attr", "batch.", false),
        (typeof(bpf_attr_obj), "union bpf_attr", "", false),
        (typeof(bpf_attr_test), "union bpf_attr", "test.", false),
        (typeof(bpf_attr_info), "union bpf_attr", "info.", false),
        (typeof(bpf_attr_query), "union bpf_attr", "query.", false),
        (typeof(bpf_attr_link_create), "union bpf_attr", "link_create.", false),
        (typeof(bpf_attr_link_update), "union bpf_attr", "link_update.", false),
        (typeof(bpf_attr_link_detach), "union bpf_attr", "link_detach.", false),
        (typeof(bpf_map_info), "struct bpf_map_info", "", false),
        (typeof(bpf_prog_info), "struct bpf_prog_info", "", false),
        (typeof(bpf_link_info), "struct bpf_link_info", "", false),
        (typeof(inet_diag_sockid), "struct inet_diag_sockid", "", true),
        (typeof(inet_diag_req_v2), "struct inet_diag_req_v2", "", true),
        (typeof(inet_diag_msg), "struct inet_diag_msg", "", true),
    ];

    /// <summary>Members whose name is another in C, or that came after the oldest headers this is built with.</summary>
    private static readonly Dictionary<string, string?> s_members = new()
    {
        ["bpf_attr_map_create.map_name_end"] = null, // the second half of map_name
        ["bpf_attr_get_id.id"] = "prog_id",
        ["bpf_link_info.cgroup_id"] = "cgroup.cgroup_id",
        ["bpf_attr_link_create.relative_fd"] = null, // tcx, since Linux 6.6; tested by attaching
        ["bpf_attr_link_create.expected_revision"] = null,
        ["bpf_object_open_opts.attach_prog_fd"] = null, // a bit field in C
    };

    [Fact]
    public void Constants_and_layouts_are_those_of_the_headers()
    {
        var (program, expected) = Generate();
        Assert.True(expected.Count > 250, $"only {expected.Count} facts are checked");
        var actual = CompileAndRun(program);
        var wrong = expected.Where(e => actual.GetValueOrDefault(e.Key) != e.Value)
            .Select(e => $"{e.Key}: {e.Value} here, {actual.GetValueOrDefault(e.Key)} in C");
        Assert.Empty(wrong);
    }

    [Fact]
    public void Every_structure_is_checked()
    {
        var listed = s_structs.Select(s => s.Type).Append(typeof(bpf_attr_get_id)).ToHashSet();
        var all = typeof(nlmsghdr).Assembly.GetTypes()
            .Where(t => t.Namespace == "Terway.Linux.Native" && t.IsValueType && !t.IsNested && !t.IsEnum);
        Assert.Equal([], all.Where(t => !listed.Contains(t)).Select(t => t.Name));
    }

    private static (string Program, Dictionary<string, string> Expected) Generate()
    {
        var program = new StringBuilder(Headers).Append("\nint main(void) {\n");
        Dictionary<string, string> expected = [];
        foreach (var type in s_constants)
        {
            foreach (var field in type.GetFields(BindingFlags.Static | BindingFlags.Public).Where(f => f.IsLiteral))
            {
                var value = Convert.ToInt64(field.GetRawConstantValue(), CultureInfo.InvariantCulture);
                Add(field.Name, value, s_expressions.GetValueOrDefault(field.Name));
            }
        }

        foreach (var (type, c, prefix, whole) in s_structs.Append((typeof(bpf_attr_get_id), "union bpf_attr", "", false)))
        {
            if (whole)
                Add($"sizeof({c})", SizeOf(type), $"sizeof({c})");
            foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public))
            {
                var member = s_members.TryGetValue($"{type.Name}.{field.Name}", out var other) ? other : field.Name;
                if (member is null)
                    continue;
                Add($"{type.Name}.{field.Name}", Marshal.OffsetOf(type, field.Name), $"offsetof({c}, {prefix}{member})");
            }
        }

        return (program.Append("return 0; }\n").ToString(), expected);

        void Add(string name, long value, string? expression = null)
        {
            expected[name] = value.ToString(CultureInfo.InvariantCulture);
            program.Append(CultureInfo.InvariantCulture, $"printf(\"%s=%lld\\n\", \"{name}\", (long long)({expression ?? name}));\n");
        }
    }

    private static int SizeOf(Type type) =>
        (int)typeof(System.Runtime.CompilerServices.Unsafe).GetMethod("SizeOf")!.MakeGenericMethod(type).Invoke(null, null)!;

    private static Dictionary<string, string> CompileAndRun(string program)
    {
        var directory = Directory.CreateTempSubdirectory("twt-layout-").FullName;
        try
        {
            var source = Path.Combine(directory, "layout.c");
            File.WriteAllText(source, program);
            Run("gcc", "-o", Path.Combine(directory, "layout"), source);
            return Run(Path.Combine(directory, "layout")).Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static string Run(string file, params string[] arguments)
    {
        var start = new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{file}: {error.Result}");
        return output;
    }
}
