namespace Terway.Cli.Mapping;

/// <summary>An address, and who says what about it.</summary>
/// <param name="Eni">ENI that the journal has it on.</param>
/// <param name="Link">The ENI's link.</param>
/// <param name="Address">The address.</param>
/// <param name="Pod">Namespace and name; the sandbox when the runtime gave no pod.</param>
/// <param name="HostLink">The node's end of the pod's veth.</param>
/// <param name="Phase">The journal's: Adding, Attached or Detaching.</param>
/// <param name="Cloud">ok, differs, or ? when the cloud was not asked or pods come and go.</param>
/// <param name="Kernel">ok, differs, or ?.</param>
internal sealed record MappingRow(string Eni, string Link, string Address, string Pod, string HostLink, string Phase, string Cloud, string Kernel);

/// <summary>Something that state, cloud and kernel do not agree on.</summary>
/// <param name="Subject">Pod, address or ENI.</param>
/// <param name="State">What the journal says.</param>
/// <param name="Cloud">What the cloud says; empty when it does not matter here.</param>
/// <param name="Kernel">What the kernel says; empty when it does not matter here.</param>
/// <param name="Fix">What to do, or what happens by itself.</param>
internal sealed record MappingDifference(string Subject, string State, string Cloud, string Kernel, string Fix);

/// <summary>ENIs, addresses and pods as state, cloud and kernel have them.</summary>
/// <param name="CloudAsked">Whether the cloud answered.</param>
/// <param name="CloudError">Why not.</param>
/// <param name="Rows">By ENI and address.</param>
/// <param name="Differences">Empty when all agree.</param>
internal sealed record MappingReport(bool CloudAsked, string? CloudError, IReadOnlyList<MappingRow> Rows, IReadOnlyList<MappingDifference> Differences);
