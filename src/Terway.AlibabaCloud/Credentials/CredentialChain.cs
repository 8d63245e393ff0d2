namespace Terway.AlibabaCloud.Credentials;

/// <summary>
/// The first of several providers that has a credential. The choice is kept while it works and made anew every half
/// hour, so that a provider further up that begins to work is noticed.
/// </summary>
public sealed class CredentialChain : ICredentialProvider, IDisposable
{
    private static readonly TimeSpan s_choiceLifetime = TimeSpan.FromMinutes(30);

    private readonly IReadOnlyList<ICredentialProvider> _providers;
    private readonly TimeProvider _time;
    private volatile Choice? _choice;

    /// <summary>A chain of <paramref name="providers"/>, asked in order; the chain disposes those that need it.</summary>
    public CredentialChain(IReadOnlyList<ICredentialProvider> providers, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(providers);
        ArgumentOutOfRangeException.ThrowIfZero(providers.Count);
        _providers = providers;
        _time = time ?? TimeProvider.System;
    }

    /// <inheritdoc/>
    public string Name => "credential chain";

    /// <inheritdoc/>
    public async ValueTask<CloudCredential> GetAsync(CancellationToken ct)
    {
        if (_choice is { } choice && _time.GetElapsedTime(choice.MadeAt) < s_choiceLifetime)
        {
            try
            {
                return await choice.Provider.GetAsync(ct);
            }
            catch (CredentialUnavailableException)
            {
                // The walk below asks it again and reports what it says beside the others' reasons.
                _choice = null;
            }
        }

        List<string> tried = [];
        foreach (ICredentialProvider provider in _providers)
        {
            try
            {
                CloudCredential credential = await provider.GetAsync(ct);
                _choice = new Choice(provider, _time.GetTimestamp());
                return credential;
            }
            catch (CredentialUnavailableException e)
            {
                tried.Add($"{provider.Name}: {e.Message.TrimEnd('.')}");
            }
        }

        throw new CredentialUnavailableException($"No cloud credential. Tried {string.Join("; ", tried)}. Give the node a RAM role or configure an access key.");
    }

    /// <inheritdoc/>
    public bool Invalidate(CloudCredential refused)
    {
        bool any = false;
        foreach (ICredentialProvider provider in _providers)
            any |= provider.Name == refused.Source && provider.Invalidate(refused);
        return any;
    }

    /// <summary>Disposes the providers.</summary>
    public void Dispose()
    {
        foreach (ICredentialProvider provider in _providers)
            (provider as IDisposable)?.Dispose();
    }

    private sealed record Choice(ICredentialProvider Provider, long MadeAt);
}
