using System.Globalization;
using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Terway.AlibabaCloud.Credentials;
using Terway.AlibabaCloud.Metadata;
using Terway.AlibabaCloud.Tests.Servers;

namespace Terway.AlibabaCloud.Tests.Credentials;

public sealed class RamRoleCredentialProviderTests : IAsyncDisposable
{
    private const string Key = "ram/security-credentials/";

    private readonly FakeTimeProvider _time = Clock.Create();
    private readonly MetadataServer _server;
    private readonly InstanceMetadata _metadata;
    private readonly RamRoleCredentialProvider _provider;

    public RamRoleCredentialProviderTests()
    {
        _server = new MetadataServer(_time) { Hardened = true };
        _server.Keys[Key] = "KubernetesWorkerRole";
        _metadata = new InstanceMetadata(
            new InstanceMetadataOptions { BaseAddress = _server.Address, RequestTimeout = Clock.NoTimeout, MaxAttempts = 1 }, time: _time);
        _provider = new RamRoleCredentialProvider(_metadata, time: _time);
    }

    public async ValueTask DisposeAsync()
    {
        _provider.Dispose();
        _metadata.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task GetAsync_discovers_the_role_and_caches()
    {
        Serve("first", TimeSpan.FromHours(6));
        CloudCredential credential = await Get();
        Assert.Equal("first", credential.AccessKeyId);
        Assert.Equal("token-of-first", credential.SecurityToken);
        Assert.Same(credential, await Get());
        Assert.Equal([Key, Key + "KubernetesWorkerRole"], _server.Reads);
    }

    [Fact]
    public async Task GetAsync_many_callers_cause_one_request()
    {
        Serve("first", TimeSpan.FromHours(6));
        TaskCompletionSource hold = new();
        _server.BeforeAnswer = () => hold.Task;
        Task<CloudCredential>[] callers = [.. Enumerable.Range(0, 50).Select(_ => _provider.GetAsync(CancellationToken.None).AsTask())];
        hold.SetResult();
        CloudCredential[] got = await Task.WhenAll(callers);
        Assert.Single(got.Distinct());
        Assert.Equal(2, _server.Reads.Count);
    }

    [Fact]
    public async Task GetAsync_near_the_end_serves_the_old_key_while_the_new_one_is_fetched()
    {
        Serve("first", TimeSpan.FromHours(6));
        await Get();
        _time.Advance(TimeSpan.FromHours(6) - TimeSpan.FromMinutes(16));
        Assert.Equal("first", (await Get()).AccessKeyId);
        Assert.Equal(2, _server.Reads.Count);

        TaskCompletionSource hold = new();
        _server.BeforeAnswer = () => hold.Task;
        Serve("second", TimeSpan.FromHours(6));
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal("first", (await Get()).AccessKeyId);
        hold.SetResult();
        await EventuallyAsync(async () => (await Get()).AccessKeyId == "second");
    }

    [Fact]
    public async Task GetAsync_failing_renewal_keeps_the_old_key_to_its_end_and_then_says_why()
    {
        Serve("first", TimeSpan.FromHours(1));
        await Get();
        _server.Keys[Key + "KubernetesWorkerRole"] = """{"Code":"Failed"}""";
        _time.Advance(TimeSpan.FromMinutes(58));
        Assert.Equal("first", (await Get()).AccessKeyId);
        _time.Advance(TimeSpan.FromMinutes(3));
        CredentialUnavailableException e = await Assert.ThrowsAsync<CredentialUnavailableException>(() => Get());
        Assert.Contains("Failed", e.Message, StringComparison.Ordinal);

        Serve("second", TimeSpan.FromHours(1));
        Assert.Equal("second", (await Get()).AccessKeyId);
    }

    [Fact]
    public async Task GetAsync_one_cancelled_caller_does_not_take_it_from_the_others()
    {
        Serve("first", TimeSpan.FromHours(6));
        TaskCompletionSource hold = new();
        _server.BeforeAnswer = () => hold.Task;
        using CancellationTokenSource cts = new();
        Task<CloudCredential> impatient = _provider.GetAsync(cts.Token).AsTask();
        Task<CloudCredential> patient = _provider.GetAsync(CancellationToken.None).AsTask();
        await cts.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        hold.SetResult();
        Assert.Equal("first", (await patient).AccessKeyId);
    }

    [Fact]
    public async Task Invalidate_fetches_anew()
    {
        Serve("first", TimeSpan.FromHours(6));
        CloudCredential first = await Get();
        Serve("second", TimeSpan.FromHours(6));
        Assert.True(_provider.Invalidate(first));
        Assert.Equal("second", (await Get()).AccessKeyId);
    }

    [Fact]
    public async Task GetAsync_instance_without_role_says_so()
    {
        _server.Keys.Clear();
        CredentialUnavailableException e = await Assert.ThrowsAsync<CredentialUnavailableException>(() => Get());
        Assert.Contains("no RAM role", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetAsync_key_that_is_over_by_the_own_clock_is_left_to_the_api_to_judge()
    {
        // A clock eight hours ahead: every key seems over when it is given out.
        Serve("first", TimeSpan.FromHours(-2));
        Assert.Equal("first", (await Get()).AccessKeyId);
        _time.Advance(TimeSpan.FromMinutes(3));
        Assert.Equal("first", (await Get()).AccessKeyId);
        Assert.Equal(2, _server.Reads.Count);

        // Asked for again soon, and at once when the API says that it is over indeed.
        Serve("second", TimeSpan.FromHours(-2));
        _time.Advance(TimeSpan.FromMinutes(2));
        CloudCredential second = await Get();
        Assert.Equal("second", second.AccessKeyId);
        Serve("third", TimeSpan.FromHours(6));
        Assert.True(_provider.Invalidate(second));
        Assert.Equal("third", (await Get()).AccessKeyId);
    }

    [Fact]
    public void Parse_any_change_to_the_answer_gives_a_key_or_the_expected_failure_without_secrets()
    {
        string good = Json("id", DateTimeOffset.UnixEpoch);
        Gen.Select(Gen.Int[0, good.Length - 1], Gen.Char, Gen.Int[0, 8]).Sample((at, c, cut) =>
        {
            string changed = good[..at] + c + good[Math.Min(good.Length, at + cut)..];
            try
            {
                RamRoleCredentialProvider.Parse(changed, "test");
            }
            catch (CredentialUnavailableException e)
            {
                Assert.DoesNotContain("secret-of-id", e.ToString(), StringComparison.Ordinal);
            }
        }, iter: 20_000);
    }

    private static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        for (int i = 0; i < 2000; i++)
        {
            if (await condition())
                return;
            await Task.Delay(5);
        }

        Assert.Fail("The condition did not come true.");
    }

    private static string Json(string id, DateTimeOffset end) =>
        $$"""{"AccessKeyId":"{{id}}","AccessKeySecret":"secret-of-{{id}}","SecurityToken":"token-of-{{id}}","Expiration":"{{end.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)}}","Code":"Success"}""";

    private void Serve(string id, TimeSpan lifetime) => _server.Keys[Key + "KubernetesWorkerRole"] = Json(id, _time.GetUtcNow() + lifetime);

    // The bound turns a caller that waits for a renewal it should not wait for into a failure instead of a hang.
    private Task<CloudCredential> Get() =>
        _provider.GetAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
}
