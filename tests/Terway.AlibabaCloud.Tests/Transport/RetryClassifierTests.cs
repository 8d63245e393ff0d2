using System.Net;
using Terway.AlibabaCloud.Errors;
using Terway.AlibabaCloud.Transport;

namespace Terway.AlibabaCloud.Tests.Transport;

public sealed class RetryClassifierTests
{
    [Theory]
    [InlineData("Throttling", 400, true)]
    [InlineData("Throttling.User", 400, true)]
    [InlineData("Throttling.Api", 400, true)]
    [InlineData("ServiceUnavailable", 503, true)]
    [InlineData("InternalError", 500, true)]
    [InlineData("SomethingNew", 502, true)]
    [InlineData("SomethingNew", 429, true)]
    [InlineData("Operation.Conflict", 409, true)]
    [InlineData("Forbidden.RAM", 403, false)]
    [InlineData("Forbidden.SubUser", 503, false)]
    [InlineData("InvalidVSwitchId.IpNotEnough", 400, false)]
    [InlineData("InvalidParameter", 500, false)]
    [InlineData("QuotaExceeded.PrivateIpAddress", 400, false)]
    [InlineData("IdempotentFailed", 400, false)]
    [InlineData("EniPerInstanceLimitExceeded", 400, false)]
    [InlineData("Throttling.AnythingNew", 400, true)]
    [InlineData("SomethingNew", 404, false)]
    public void IsRetryable_follows_the_class_of_the_code(string code, int status, bool retryable) =>
        Assert.Equal(retryable, new CloudApiException("ecs", "X", code, "r", (HttpStatusCode)status).IsRetryable);

    [Theory]
    [InlineData("DescribeNetworkInterfaces", false, true)]
    [InlineData("AttachNetworkInterface", false, true)]
    [InlineData("DetachNetworkInterface", false, true)]
    [InlineData("DeleteNetworkInterface", false, true)]
    [InlineData("UnassignIpv6Addresses", false, true)]
    [InlineData("CreateNetworkInterface", false, false)]
    [InlineData("CreateNetworkInterface", true, true)]
    [InlineData("AssignPrivateIpAddresses", false, false)]
    [InlineData("AssignPrivateIpAddresses", true, true)]
    public void IsRepeatable_needs_a_token_for_actions_that_make_things(string action, bool token, bool repeatable) =>
        Assert.Equal(repeatable, RetryClassifier.IsRepeatable(action, token ? [new("ClientToken", "t")] : []));

    [Fact]
    public void DelayAfter_doubles_up_to_the_ceiling_and_respects_the_services_wish()
    {
        RetryOptions options = new() { BaseDelay = TimeSpan.FromSeconds(1), MaxDelay = TimeSpan.FromSeconds(5) };
        Assert.Equal(1, options.DelayAfter(1, null, 1).TotalSeconds, 0.001);
        Assert.Equal(0, options.DelayAfter(1, null, 0).TotalSeconds, 0.001);
        Assert.Equal(2, options.DelayAfter(2, null, 1).TotalSeconds, 0.001);
        Assert.Equal(2, options.DelayAfter(3, null, 0.5).TotalSeconds, 0.001);
        Assert.Equal(5, options.DelayAfter(40, null, 1).TotalSeconds, 0.001);
        Assert.True(options.DelayAfter(1, TimeSpan.FromSeconds(9), 0.7) > TimeSpan.FromSeconds(9));
    }

    [Fact]
    public void Message_names_call_code_reason_and_request()
    {
        CloudApiException e = new("ecs", "CreateNetworkInterface", "Forbidden.RAM", "not allowed.", HttpStatusCode.Forbidden, "r-1");
        foreach (string part in new[] { "ecs CreateNetworkInterface", "Forbidden.RAM", "HTTP 403", "r-1", "not allowed.", "Grant" })
            Assert.Contains(part, e.Message, StringComparison.Ordinal);
    }
}
