using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging.Abstractions;
using Terway.Host.Manifests;
using Terway.Plugin;

namespace Terway.Host.Tests.Manifests;

/// <summary>Files that come, change and go, as a reader of Services sees them.</summary>
public sealed partial class ManifestFolderTests : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("terway-manifests-");
    private readonly ConcurrentDictionary<string, Finding> _findings = new(StringComparer.Ordinal);
    private readonly Dictionary<ServiceName, Service> _seen = [];
    private readonly ManifestServices _services;
    private readonly CancellationTokenSource _stop = new();
    private IAsyncEnumerator<ServiceChanges>? _reader;
    private bool _complete;

    public ManifestFolderTests() => _services = new(changed => new ManifestFolder(_folder.FullName, Report, changed, NullLogger.Instance));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        try
        {
            if (_reader is not null) await _reader.DisposeAsync();
        }
        catch (NotSupportedException)
        {
            // A test ended while it waited; the cancellation has ended that.
        }

        await _services.DisposeAsync();
        _stop.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task What_is_there_comes_first_and_then_what_changes()
    {
        Put("a.yaml", Service("a") + Slice("a", "10.1.0.1"));
        Put("b.json", """{"kind":"Service","metadata":{"name":"b"},"spec":{"clusterIP":"172.21.0.2","ports":[{"port":80}]}}""");
        Put(".hidden.yaml", Service("hidden"));
        Put("notes.txt", "no manifest");
        await UntilAsync(() => _seen.Count == 2);
        Assert.True(_complete);
        Assert.Equal(["10.1.0.1"], Addresses("a"));
        Put("a.yaml", Service("a") + Slice("a", "10.1.0.1", "10.1.0.2"));
        await UntilAsync(() => Addresses("a").Length == 2);
        // An endpoint slice in a file of its own, and one that goes.
        Put("c.yaml", Slice("b", "10.1.0.9"));
        await UntilAsync(() => Addresses("b").Length == 1);
        File.Delete(PathOf("c.yaml"));
        await UntilAsync(() => Addresses("b").Length == 0);
        File.Delete(PathOf("a.yaml"));
        await UntilAsync(() => _seen.Count == 1);
    }

    [Fact]
    public async Task A_file_that_cannot_be_understood_leaves_what_it_said_and_is_named_with_the_line()
    {
        Put("a.yaml", Service("a"));
        await UntilAsync(() => _seen.Count == 1);
        Put("a.yaml", "\n\nkind: Service\nmetadata: { name: a }\nspec: { clusterIP: nowhere }\n");
        await UntilFoundAsync("manifests/a.yaml", "a.yaml, line 3: Service: spec.clusterIPs has nowhere");
        Assert.Single(_seen);
        Put("a.yaml", Service("other"));
        await UntilAsync(() => _seen.ContainsKey(new("default", "other")) && _seen.Count == 1);
        Assert.Empty(_findings);
    }

    [Fact]
    public async Task With_a_file_that_was_never_understood_not_everything_is_known()
    {
        Put("a.yaml", Service("a"));
        Put("broken.yaml", "kind: [");
        await UntilAsync(() => _seen.Count == 1);
        Assert.False(_complete);
        Put("broken.yaml", "");
        await UntilAsync(() => _complete);
        Assert.Empty(_findings);
    }

    [Fact]
    public async Task A_file_that_is_written_in_its_place_counts_when_it_is_whole()
    {
        Put("a.yaml", Service("a") + Slice("a", "10.1.0.1"));
        await UntilAsync(() => _seen.Count == 1);
        // Written in pieces of which the first alone is a manifest too.
        await using (var file = File.Create(PathOf("a.yaml")))
        {
            await using var writer = new StreamWriter(file) { AutoFlush = true };
            await writer.WriteAsync(Service("a"));
            await Task.Delay(30, _stop.Token);
            await writer.WriteAsync(Slice("a", "10.1.0.2"));
        }

        var lengths = new List<int>();
        await UntilAsync(() =>
        {
            lengths.Add(Addresses("a").Length);
            return Addresses("a") is ["10.1.0.2"];
        });
        Assert.All(lengths, static l => Assert.Equal(1, l));
    }

    [Fact]
    public async Task An_object_that_two_files_have_is_the_first_files()
    {
        Put("b.yaml", Service("a") + Slice("a", "10.1.0.2"));
        await UntilAsync(() => _seen.Count == 1);
        Put("a.yaml", Slice("a", "10.1.0.1"));
        await UntilAsync(() => Addresses("a") is ["10.1.0.1"]);
        Put("c.yaml", Slice("a", "10.1.0.3"));
        await UntilFoundAsync("manifests/c.yaml", "described elsewhere");
        File.Delete(PathOf("a.yaml"));
        await UntilAsync(() => Addresses("a") is ["10.1.0.2"]);
        Put("b.yaml", Service("a"));
        await UntilAsync(() => Addresses("a") is ["10.1.0.3"]);
    }

    [Fact]
    public async Task Files_that_change_all_together_by_a_link_are_read_again()
    {
        // As a kubelet mounts a ConfigMap.
        void Version(string name, string address)
        {
            var folder = Directory.CreateDirectory(PathOf(name)).FullName;
            File.WriteAllText(Path.Combine(folder, "a.yaml"), Service("a") + Slice("a", address));
            File.CreateSymbolicLink(PathOf("..data_tmp"), name);
            // .NET's own move follows the link.
            Assert.Equal(0, Rename(PathOf("..data_tmp"), PathOf("..data")));
        }

        Version("..1", "10.1.0.1");
        File.CreateSymbolicLink(PathOf("a.yaml"), "..data/a.yaml");
        await UntilAsync(() => Addresses("a") is ["10.1.0.1"]);
        Version("..2", "10.1.0.2");
        await UntilAsync(() => Addresses("a") is ["10.1.0.2"]);
    }

    [Fact]
    public async Task Nobody_looks_at_the_folder_before_somebody_asks()
    {
        Put("a.yaml", "kind: [");
        await Task.Delay(100, _stop.Token);
        Assert.Empty(_findings);
        await UntilFoundAsync("manifests/a.yaml", "line");
    }

    private void Report(string path, Finding? finding)
    {
        if (finding is null) _findings.TryRemove(path, out _);
        else _findings[path] = finding;
    }

    private string PathOf(string file) => Path.Combine(_folder.FullName, file);

    private void Put(string file, string text)
    {
        File.WriteAllText(PathOf($".{file}.next"), text);
        File.Move(PathOf($".{file}.next"), PathOf(file), overwrite: true);
    }

    private string[] Addresses(string service) => _seen.TryGetValue(new("default", service), out var found)
        ? [.. found.Ports.SelectMany(static p => p.Endpoints).Select(static e => e.Address.ToString())] : [];

    private async Task UntilAsync(Func<bool> done)
    {
        _reader ??= _services.WatchAsync(_stop.Token).GetAsyncEnumerator();
        using var limit = new CancellationTokenSource(s_patience);
        await using var ending = limit.Token.Register(() => _stop.Cancel());
        do
        {
            Assert.True(await _reader.MoveNextAsync());
            foreach (var service in _reader.Current.Changed) _seen[service.Name] = service;
            foreach (var name in _reader.Current.Removed) Assert.True(_seen.Remove(name));
            _complete = _reader.Current.Complete;
        }
        while (!done());
    }

    private async Task UntilFoundAsync(string path, string words)
    {
        // Asks, if nobody has yet.
        if (_reader is null)
        {
            _reader = _services.WatchAsync(_stop.Token).GetAsyncEnumerator();
            _ = _reader.MoveNextAsync().AsTask();
        }

        using var limit = new CancellationTokenSource(s_patience);
        while (!_findings.TryGetValue(path, out var finding) || !finding.Reason.Contains(words, StringComparison.Ordinal)) await Task.Delay(10, limit.Token);
    }

    [LibraryImport("libc", EntryPoint = "rename", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Rename(string from, string to);

    private static string Service(string name) => $$"""

        ---
        kind: Service
        metadata: { name: {{name}} }
        spec: { clusterIP: 172.21.0.1, ports: [ { port: 80 } ] }

        """;

    private static string Slice(string service, params string[] addresses) => $$"""

        ---
        kind: EndpointSlice
        metadata: { name: {{service}}-1, labels: { kubernetes.io/service-name: {{service}} } }
        addressType: IPv4
        endpoints: [ {{string.Join(", ", addresses.Select(static a => $"{{ addresses: [{a}] }}"))}} ]
        ports: [ { port: 8080 } ]

        """;
}
