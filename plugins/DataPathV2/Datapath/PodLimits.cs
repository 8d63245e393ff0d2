namespace Terway.Plugins.DataPathV2.Datapath;

/// <summary>Limits of a pod that are kept by departure times, in bytes per second; 0 is none, or one that is kept otherwise.</summary>
/// <param name="Egress">Of what the pod sends.</param>
/// <param name="Ingress">Of what it gets.</param>
internal readonly record struct PodLimits(long Egress, long Ingress);
