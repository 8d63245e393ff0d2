using System.Text.Json;
using Terway.Plugin;

namespace Terway.Host.State;

/// <summary>One change of the state file. All changes handed over together are committed together.</summary>
internal abstract record StateWrite
{
    private StateWrite()
    {
    }

    /// <summary>
    /// Whether the change must survive loss of power, and not only the end of this process. What only announces kernel objects need not: they
    /// would be lost as well.
    /// </summary>
    public virtual bool SurvivesPowerLoss => true;

    /// <summary>SQL of the change; its parameters are <c>$1</c>, <c>$2</c>, ...</summary>
    public abstract string Sql { get; }

    /// <summary>Parameters of <see cref="Sql"/>.</summary>
    public abstract object[] Arguments { get; }

    public sealed record PutAttachment(AttachmentRecord Record, AttachmentPhase Phase) : StateWrite
    {
        public override bool SurvivesPowerLoss => Phase != AttachmentPhase.Adding;

        public override string Sql => "INSERT OR REPLACE INTO attachment(container_id, if_name, phase, body) VALUES($1, $2, $3, $4)";

        public override object[] Arguments =>
        [
            Record.Key.ContainerId, Record.Key.IfName, (long)Phase,
            JsonSerializer.SerializeToUtf8Bytes(Record, StateJson.Default.AttachmentRecord),
        ];
    }

    public sealed record SetPhase(AttachmentKey Key, AttachmentPhase Phase) : StateWrite
    {
        public override string Sql => "UPDATE attachment SET phase=$3 WHERE container_id=$1 AND if_name=$2";

        public override object[] Arguments => [Key.ContainerId, Key.IfName, (long)Phase];
    }

    public sealed record DeleteAttachment(AttachmentKey Key) : StateWrite
    {
        public override string Sql => "DELETE FROM attachment WHERE container_id=$1 AND if_name=$2";

        public override object[] Arguments => [Key.ContainerId, Key.IfName];
    }

    public sealed record PutTombstone(AttachmentKey Key, DateTimeOffset At) : StateWrite
    {
        public override string Sql => "INSERT OR REPLACE INTO tombstone(container_id, if_name, at) VALUES($1, $2, $3)";

        public override object[] Arguments => [Key.ContainerId, Key.IfName, At.ToUnixTimeMilliseconds()];
    }

    public sealed record DeleteTombstonesBefore(DateTimeOffset At) : StateWrite
    {
        public override string Sql => "DELETE FROM tombstone WHERE at < $1";

        public override object[] Arguments => [At.ToUnixTimeMilliseconds()];
    }

    public sealed record PutReleased(string Address, DateTimeOffset At) : StateWrite
    {
        public override string Sql => "INSERT OR REPLACE INTO released(address, at) VALUES($1, $2)";

        public override object[] Arguments => [Address, At.ToUnixTimeMilliseconds()];
    }

    public sealed record DeleteReleasedBefore(DateTimeOffset At) : StateWrite
    {
        public override string Sql => "DELETE FROM released WHERE at < $1";

        public override object[] Arguments => [At.ToUnixTimeMilliseconds()];
    }

    public sealed record PutNodeObjects(string Plugin, string Key, IReadOnlyList<KernelObject> Objects) : StateWrite
    {
        public override string Sql => "INSERT OR REPLACE INTO node_object(plugin, key, body) VALUES($1, $2, $3)";

        public override object[] Arguments =>
            [Plugin, Key, JsonSerializer.SerializeToUtf8Bytes(Objects, StateJson.Default.IReadOnlyListKernelObject)];
    }

    public sealed record DeleteNodeObjects(string Plugin, string Key) : StateWrite
    {
        public override string Sql => "DELETE FROM node_object WHERE plugin=$1 AND key=$2";

        public override object[] Arguments => [Plugin, Key];
    }

    public sealed record PutPluginRecord(string Plugin, string Key, byte[] Value) : StateWrite
    {
        public override string Sql => "INSERT OR REPLACE INTO plugin_record(plugin, key, value) VALUES($1, $2, $3)";

        public override object[] Arguments => [Plugin, Key, Value];
    }

    public sealed record DeletePluginRecord(string Plugin, string Key) : StateWrite
    {
        public override string Sql => "DELETE FROM plugin_record WHERE plugin=$1 AND key=$2";

        public override object[] Arguments => [Plugin, Key];
    }

    public sealed record PutFact(string Key, byte[] Value) : StateWrite
    {
        public override string Sql => "INSERT OR REPLACE INTO fact(key, value) VALUES($1, $2)";

        public override object[] Arguments => [Key, Value];
    }

    public sealed record DeleteFact(string Key) : StateWrite
    {
        public override string Sql => "DELETE FROM fact WHERE key=$1";

        public override object[] Arguments => [Key];
    }
}
