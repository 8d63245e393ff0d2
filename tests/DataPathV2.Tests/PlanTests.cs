using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Terway.Plugins.DataPathV2.Abi;
using Terway.Plugins.DataPathV2.Configuration;
using Terway.Plugins.DataPathV2.Datapath;

namespace Terway.Plugins.DataPathV2.Tests;

public sealed class PlanTests
{
    private static readonly IAddressFamily[] s_families = [new PlanFamily(AddressFamily.InterNetwork), new PlanFamily(AddressFamily.InterNetworkV6)];

    [Fact]
    public void Entries_of_a_pod_name_its_link_and_carry_its_addresses_macs_and_limits()
    {
        var plain = Entries.Of(DatapathBox.PodAttachment(1), IPAddress.Parse(DatapathBox.Pod1));
        Assert.Equal(
            new KernelObject.MapEntry(
                "datapath-v1/dp_pods4", "0a00010b", "00000000" + "dc050000" + "020000000101" + "020000000201" + "020000000301" + "0000", "cali1", 0),
            plain);
        var shaped = Entries.Of(DatapathBox.PodAttachment(1, ingress: 1000, mtu: 9000), IPAddress.Parse(DatapathBox.Pod1V6));
        Assert.Equal(
            new KernelObject.MapEntry(
                "datapath-v1/dp_pods6", "fd000001000000000000000000000011",
                "00000000" + "28230000" + "020000000101" + "020000000201" + "020000000301" + "0100", "cali1", 0),
            shaped);
    }

    [Fact]
    public void A_pod_has_its_entries_before_its_programs_which_drop_what_has_none()
    {
        var kinds = AcceleratedPlan.Of(DatapathBox.PodAttachment(1), s_families, Pacing.None).Select(static o => o.GetType()).ToList();
        Assert.Contains(typeof(KernelObject.MapEntry), kinds);
        Assert.Contains(typeof(KernelObject.TcProgram), kinds);
        Assert.True(kinds.LastIndexOf(typeof(KernelObject.MapEntry)) < kinds.IndexOf(typeof(KernelObject.TcProgram)));
    }

    [Fact]
    public void Entry_of_an_eni_has_a_gateway_of_each_family() => Assert.Equal(
        new KernelObject.MapEntry(
            "datapath-v1/dp_enis", "020000000301" + "0000", "00000000" + "dc050000" + "fd000001000000000000000000000001" + "0a0001fd", "eth1", 0),
        Entries.Of(new NodeLink("eth1", 7, DatapathBox.EniMac, 1500), [IPAddress.Parse("10.0.1.253"), IPAddress.Parse("fd00:1::1")]));

    [Theory]
    [InlineData("""{"max_pod_addresses": 15}""", "max_pod_addresses")]
    [InlineData("""{"max_pod_addresses": "many"}""", "max_pod_addresses")]
    [InlineData("""{"max_stack_flows": 4194305}""", "max_stack_flows")]
    [InlineData("""{"host_stack_cidrs": ["10.0.0.0/33"]}""", "host_stack_cidrs")]
    [InlineData("""{"host_stack_cidrs": [1]}""", "host_stack_cidrs")]
    [InlineData("""{"service_cidr": {}}""", "service_cidr")]
    public void Wrong_settings_are_refused_with_their_key(string json, string key) =>
        Assert.Contains($"$.{key}", Assert.Throws<PodNetworkException>(() => DatapathSettings.Read(JsonDocument.Parse(json).RootElement)).Message, StringComparison.Ordinal);

    [Fact]
    public void Settings_are_read()
    {
        var settings = DatapathSettings.Read(JsonDocument.Parse(
            """{"host_stack_cidrs": ["169.254.20.10/32"], "service_cidr": "172.20.0.0/16, fd00:f::/112", "max_pod_addresses": 100, "max_stack_flows": 2000}""").RootElement);
        Assert.Equal(["169.254.20.10/32", "172.20.0.0/16", "fd00:f::/112"], settings.HostStackNetworks.Select(static n => n.ToString()));
        Assert.Equal((100u, 2000u), (settings.MaxPodAddresses, settings.MaxStackFlows));
    }

    [Fact]
    public void An_eni_record_survives_the_store_and_learns_gateways()
    {
        var record = new EniRecord("02:00:00:00:03:01", []).With(DatapathBox.PodAttachment(1).Allocation.Addresses);
        Assert.Equal(["10.0.1.253", "fd00:1::1"], record.Gateways.Select(static g => g.ToString()));
        Assert.Equal(record, EniRecord.Read(record.Key, record.ToBytes()));
        Assert.Equal(record, record.With(DatapathBox.PodAttachment(2).Allocation.Addresses));
        Assert.Null(EniRecord.Read(record.Key, [1, 2, 3]));
    }
}
