using System.Security.Cryptography;
using Terway.Linux.Namespaces;
using Terway.Linux.Netlink;

namespace Terway.Linux.Tests;

/// <summary>A few fresh namespaces of one test, removed with it, and one thread that visits them.</summary>
public sealed class Sandbox : IDisposable
{
    private readonly List<(string Name, NetNs Ns)> _namespaces = [];
    private readonly List<IDisposable> _owned = [];

    public NetNsThread Thread { get; } = NetNsThread.Start();

    public NetNs NewNs()
    {
        var name = NewName();
        var ns = NamedNetNs.Create(name);
        _namespaces.Add((name, ns));
        return ns;
    }

    public static string NewName() => "twt-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));

    public RtnlSocket Socket(NetNs ns) => Own(RtnlSocket.Open(Thread, ns));

    public T Own<T>(T disposable)
        where T : IDisposable
    {
        _owned.Add(disposable);
        return disposable;
    }

    public void Dispose()
    {
        for (var i = _owned.Count - 1; i >= 0; i--)
            _owned[i].Dispose();
        foreach (var (name, ns) in _namespaces)
        {
            ns.Dispose();
            NamedNetNs.Delete(name);
        }

        Thread.Dispose();
    }
}
