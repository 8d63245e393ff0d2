using Terway.AlibabaCloud.Errors;
using Terway.AlibabaCloud.Network;
using Terway.EniPool.Cloud;
using Terway.EniPool.Configuration;
using Terway.EniPool.Pool;
using Terway.EniPool.Scaling;
using Terway.EniPool.State;

namespace Terway.EniPool.Operations;

/// <summary>Makes an ENI with as many addresses as are needed, in the creation itself, attaches it and brings it up.</summary>
internal sealed class CreateEni(PoolContext context, BringUp bringUp) : IDisposable
{
    // ECS calls at a time; waiting for attachments to get through is not limited.
    private const int MaxParallel = 4;

    private readonly SemaphoreSlim _calls = new(MaxParallel);

    private NodeCapacity Capacity => context.Pool.Capacity;

    public void Dispose() => _calls.Dispose();

    /// <summary>Runs to the end; failures become back-offs, findings and causes for those who wait.</summary>
    public async Task RunAsync(int slots, CancellationToken cancellationToken)
    {
        string? vSwitch = null;
        PoolEni? eni = null;
        var attachStarted = false;
        try
        {
            await _calls.WaitAsync(cancellationToken);
            try
            {
                var choice = await context.VSwitches.PickAsync(slots + Capacity.OwnExtra, cancellationToken);
                vSwitch = choice.Id;
                var count = choice.Available > 0 ? Capacity.AtMost(slots, choice.Available) : slots;
                eni = await CreateAsync(choice, count, cancellationToken);
                await context.Journal.SaveAsync(eni, EniRecord.Attaching, cancellationToken);
                await context.Cloud.AttachAsync(eni.Id, cancellationToken);
                attachStarted = true;
            }
            finally
            {
                _calls.Release();
            }
        }
        catch (CloudException e) when (eni is not null && FailurePolicy.IsOutcomeUnknown(e))
        {
            // The bring-up looks what became of it.
            Log.BringUpFailed(context.Log, e, eni.Id);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Log.CreateFailed(context.Log, e, vSwitch ?? "-");
            context.Pool.NoteFailure(context.Failures.OnCreate(vSwitch, e));
            if (eni is null)
            {
                return;
            }

            if (e is CloudException { Code: CloudErrorCodes.EniPerInstanceLimitExceeded })
            {
                lock (context.Pool.Gate)
                {
                    eni.State = EniState.Deleting;
                    eni.Saved = false;
                }

                return;
            }
        }
        finally
        {
            // From here on the ENI itself counts, or nothing does.
            lock (context.Pool.Gate)
            {
                context.Pool.CreatingEnis--;
                context.Pool.CreatingSlots -= slots;
                if (eni is not null && !attachStarted)
                {
                    eni.Busy = false;
                }
            }
        }

        if (eni is null || !attachStarted)
        {
            return;
        }

        try
        {
            await bringUp.RunAsync(eni, attachStarted, cancellationToken);
        }
        finally
        {
            lock (context.Pool.Gate)
            {
                eni.Busy = false;
            }
        }
    }

    private async Task<PoolEni> CreateAsync(VSwitchInfo vSwitch, int count, CancellationToken cancellationToken)
    {
        var groups = context.Settings.SecurityGroups.Count > 0 ? context.Settings.SecurityGroups : context.PrimarySecurityGroups;
        if (groups.Count == 0)
        {
            throw new PodNetworkException(
                "pool", "no security group is configured and the primary ENI's are not known", "set security_groups", canRetry: true);
        }

        try
        {
            return await RequestAsync(vSwitch, groups, count, cancellationToken);
        }
        catch (CloudException e) when (CloudErrorCodes.IsVSwitchExhausted(e.Code) && count > 1)
        {
            // Fewer than asked for may be left.
            var left = await context.VSwitches.AskAvailableAsync(vSwitch.Id, cancellationToken);
            var fewer = Capacity.AtMost(count, left);
            if (left <= 0 || fewer >= count)
            {
                throw;
            }

            return await RequestAsync(vSwitch, groups, fewer, cancellationToken);
        }
    }

    private async Task<PoolEni> RequestAsync(VSwitchInfo vSwitch, IReadOnlyList<string> groups, int count, CancellationToken cancellationToken)
    {
        var token = Guid.NewGuid().ToString("N");
        var at = context.Clock.UtcNow;
        var intent = new IntentRecord { Token = token, Kind = IntentRecord.Create, At = at, VSwitch = vSwitch.Id, Count = count };
        Eni view;
        try
        {
            await context.Journal.WriteIntentAsync(intent, cancellationToken);
            view = await context.Cloud.CreateAsync(
                new()
                {
                    ClientToken = token,
                    VSwitchId = vSwitch.Id,
                    SecurityGroupIds = groups,
                    ResourceGroupId = context.Settings.ResourceGroupId,
                    NetworkInterfaceName = $"terway-{context.Host.Node.InstanceId}",
                    Description = "Shared by pods of this node; managed by Terway.NET",
                    Tags = context.Tags.ForCreation(token),
                    DeleteOnRelease = true,
                    SourceDestCheck = false,
                    ExtraParameters =
                    [
                        .. context.Families.SelectMany(
                            f => Capacity.UsesPrefixes ? f.CreatePrefixParameters(count / Capacity.Unit) : f.CreateParameters(count)),
                    ],
                },
                cancellationToken);
        }
        catch (CloudException e) when (!FailurePolicy.IsOutcomeUnknown(e))
        {
            await DropIntentAsync(token, at, cancellationToken);
            throw;
        }
        catch
        {
            // The intent may be on disk and the ENI in the cloud: it is looked for by its tag before anything else is made in its place.
            Unresolved(token, at);
            throw;
        }

        Log.EniCreated(context.Log, view.NetworkInterfaceId, vSwitch.Id, count);
        lock (context.Pool.Gate)
        {
            var eni = new PoolEni(view.NetworkInterfaceId, view.MacAddress, vSwitch.Id, owned: true, context.Families.Count)
            {
                State = EniState.Attaching,
                Busy = true,
                ChangedAt = context.Clock.Now,
                MadeAt = context.Clock.Now,
                Subnets = [.. vSwitch.Subnets.Select(s => s!)],
            };
            eni.Intents.Add(PoolJournal.IntentKey(token));
            for (var f = 0; f < context.Families.Count; f++)
            {
                AddGiven(eni, f, view);
            }

            context.Pool.WarmUp.Note(eni.Count(0));
            context.Pool.AddEni(eni);
            return eni;
        }
    }

    private void AddGiven(PoolEni eni, int family, Eni view)
    {
        if (Capacity.UsesPrefixes)
        {
            foreach (var prefix in context.Families[family].ReadPrefixes(view.Raw))
            {
                context.Pool.AddPrefix(eni, prefix, family, AddressState.Idle);
            }

            return;
        }

        foreach (var ip in context.Families[family].ReadAddresses(view.Raw))
        {
            context.Pool.AddAddress(eni, ip, family, ip.Equals(view.PrivateIpAddress), AddressState.Idle);
        }
    }

    private async Task DropIntentAsync(string token, DateTimeOffset at, CancellationToken cancellationToken)
    {
        try
        {
            await context.Journal.RemoveIntentAsync(token, cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Dropped later; the refusal is what the caller has to know.
            Log.RefreshFailed(context.Log, e, token);
            Unresolved(token, at);
        }
    }

    private void Unresolved(string token, DateTimeOffset at)
    {
        lock (context.Pool.Gate)
        {
            context.Pool.UnresolvedCreates[token] = at;
        }
    }
}
