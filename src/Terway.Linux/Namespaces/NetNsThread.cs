using Terway.Linux.Native;

namespace Terway.Linux.Namespaces;

/// <summary>
/// The only thread that visits other network namespaces. Start one instance early, from a thread in the namespace that is to be home
/// (the node's). Calls from any thread are served one after the other; the caller is blocked until this thread is home again.
/// A visit costs about 5 us of system calls plus the hand-over.
/// </summary>
public sealed class NetNsThread : IDisposable
{
    private readonly NetNs _home;
    private readonly Thread _thread;
    private readonly Queue<Visit> _queue = new();
    private bool _stopping;

    private NetNsThread(NetNs home)
    {
        _home = home;
        _thread = new Thread(Loop) { IsBackground = true, Name = "netns" };
        _thread.Start();
    }

    /// <summary>The namespace this thread returns to.</summary>
    public NetNs Home => _home;

    /// <summary>Starts the thread; its home is the calling thread's namespace.</summary>
    public static NetNsThread Start() => new(NetNs.OpenCurrent());

    /// <summary>
    /// Runs <paramref name="work"/> inside <paramref name="ns"/>. For rare work and tools: it must be synchronous, short, and start no
    /// thread, task, timer or process. The runtime itself may start a helper thread (tiered compilation, garbage collection) while
    /// managed code runs in the namespace; that thread would hold the namespace for seconds. Hot paths use
    /// <see cref="OpenSocket"/> and <see cref="Sysctl"/>, which run no managed code inside.
    /// </summary>
    /// <exception cref="LinuxException">The namespace could not be entered.</exception>
    /// <remarks>Exceptions of <paramref name="work"/> reach the caller. The process is ended when the thread cannot return home.</remarks>
    public T Run<T>(NetNs ns, Func<T> work)
    {
        ArgumentNullException.ThrowIfNull(ns);
        ArgumentNullException.ThrowIfNull(work);
        var visit = new WorkVisit<T>(ns, work);
        Submit(visit);
        return visit.Result!;
    }

    /// <inheritdoc cref="Run{T}(NetNs, Func{T})"/>
    public void Run(NetNs ns, Action work)
    {
        ArgumentNullException.ThrowIfNull(work);
        Run(ns, () =>
        {
            work();
            return 0;
        });
    }

    /// <summary>Ends the thread after the visits already queued.</summary>
    public void Dispose()
    {
        lock (_queue)
        {
            if (_stopping)
                return;
            _stopping = true;
            Monitor.PulseAll(_queue);
        }

        _thread.Join();
        _home.Dispose();
    }

    /// <summary>Opens a socket that belongs to <paramref name="ns"/>; it can be used from every thread.</summary>
    internal FdHandle OpenSocket(NetNs ns, int family, int type, int protocol)
    {
        var visit = new SocketVisit(ns, family, type | socket.SOCK_CLOEXEC, protocol);
        Submit(visit);
        return visit.Code >= 0
            ? new FdHandle(visit.Code)
            : throw new LinuxException(-visit.Code, $"open socket (family {family}, protocol {protocol}) in {ns}");
    }

    /// <summary>One read or write of a file below /proc/sys as <paramref name="ns"/> sees it. Returns the bytes moved or a negative errno.</summary>
    internal int Transfer(NetNs ns, string path, bool write, byte[] buffer, int length)
    {
        var visit = new TransferVisit(ns, NetNsVisit.CString(path), write, buffer, length);
        Submit(visit);
        return visit.Code;
    }

    private void Submit(Visit visit)
    {
        if (Thread.CurrentThread == _thread)
            throw new InvalidOperationException("work running on the namespace thread must not call it again: it would wait for itself");
        lock (_queue)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            _queue.Enqueue(visit);
            Monitor.Pulse(_queue);
        }

        visit.Wait();
    }

    private void Loop()
    {
        // Resolves and compiles the calls at home, so that no visit is the first to need them.
        new SocketVisit(_home, socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, 0).WarmUp(_home.Fd);
        while (true)
        {
            Visit visit;
            lock (_queue)
            {
                while (_queue.Count == 0)
                {
                    if (_stopping)
                        return;
                    Monitor.Wait(_queue);
                }

                visit = _queue.Dequeue();
            }

            visit.Serve(_home);
        }
    }

    private abstract class Visit(NetNs ns)
    {
        private bool _done;
        private Exception? _error;

        public int Code { get; protected set; }

        protected NetNs Target { get; } = ns;

        public void Serve(NetNs home)
        {
            try
            {
                Code = Go(Target.Fd, home.Fd);
                if (Code == NetNsVisit.Lost)
                    Environment.FailFast($"could not return from {Target} to the home namespace: {Errno.Describe(Libc.Errno)}");
            }
            catch (Exception e)
            {
                _error = e;
            }

            NetNsVisit.VerifyHome(home.Inode, $"a visit to {nameof(NetNs)} inode {Target.Inode}");
            lock (this)
            {
                _done = true;
                Monitor.Pulse(this);
            }
        }

        public void Wait()
        {
            lock (this)
            {
                while (!_done)
                    Monitor.Wait(this);
            }

            if (_error is not null)
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(_error);
            GC.KeepAlive(Target);
        }

        protected abstract int Go(int target, int home);
    }

    private sealed class SocketVisit(NetNs ns, int family, int type, int protocol) : Visit(ns)
    {
        public void WarmUp(int home)
        {
            var fd = Go(home, home);
            if (fd >= 0)
                _ = Libc.close(fd);
        }

        protected override int Go(int target, int home) => NetNsVisit.OpenSocket(target, home, family, type, protocol);
    }

    private sealed class TransferVisit(NetNs ns, byte[] path, bool write, byte[] buffer, int length) : Visit(ns)
    {
        protected override unsafe int Go(int target, int home)
        {
            fixed (byte* p = path, b = buffer)
                return NetNsVisit.Transfer(target, home, p, write, b, length);
        }
    }

    private sealed class WorkVisit<T>(NetNs ns, Func<T> work) : Visit(ns)
    {
        public T? Result { get; private set; }

        protected override int Go(int target, int home)
        {
            if (Libc.setns(target, sched.CLONE_NEWNET) != 0)
                throw new LinuxException(Libc.Errno, $"enter {Target}");
            try
            {
                Result = work();
            }
            finally
            {
                if (Libc.setns(home, sched.CLONE_NEWNET) != 0)
                    Environment.FailFast($"could not return from {Target} to the home namespace: {Errno.Describe(Libc.Errno)}");
            }

            return 0;
        }
    }
}
