using Grpc.Core;
using Terway.Host.Api.V1;
using Terway.Host.Pods;

namespace Terway.Host.Api;

/// <summary>gRPC service for terway-cli and other tools on the node.</summary>
internal sealed class NodeApi(DaemonView view) : V1.Node.NodeBase
{
    public override Task<NodeStatus> GetStatus(GetStatusRequest request, ServerCallContext context) => Task.FromResult(view.Status());

    public override async Task ListAttachments(
        ListAttachmentsRequest request, IServerStreamWriter<Attachment> responseStream, ServerCallContext context)
    {
        foreach (var attachment in view.Attachments()) await responseStream.WriteAsync(attachment, context.CancellationToken).ConfigureAwait(false);
    }

    public override async Task ListNodeObjects(
        ListNodeObjectsRequest request, IServerStreamWriter<NodeObject> responseStream, ServerCallContext context)
    {
        foreach (var kept in view.NodeObjects()) await responseStream.WriteAsync(kept, context.CancellationToken).ConfigureAwait(false);
    }

    public override Task<CloudEnis> GetCloudEnis(GetCloudEnisRequest request, ServerCallContext context) => view.CloudEnisAsync(context.CancellationToken);
}
