"""SinkStack, as CloudFormation will read it."""

from __future__ import annotations

from aws_cdk.assertions import Match

from tests.infra.conftest import Assembly


def test_network_has_no_nat_and_no_interface_endpoint(assembly: Assembly) -> None:
    """Public subnets, and S3 and DynamoDB through gateway endpoints: nothing costs by the hour."""

    assembly.sink.resource_count_is("AWS::EC2::NatGateway", 0)
    assembly.sink.resource_count_is("AWS::EC2::VPCEndpoint", 2)
    assembly.sink.all_resources_properties("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "Gateway"})


def test_balancer_waits_for_silent_calls(assembly: Assembly) -> None:
    """A held call can say nothing for more than an hour."""

    assembly.sink.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        {
            "Scheme": "internet-facing",
            "LoadBalancerAttributes": Match.array_with(
                [{"Key": "idle_timeout.timeout_seconds", "Value": "4000"}]
            ),
        },
    )


def test_carriers_come_in_by_tls_only(assembly: Assembly) -> None:
    """There is one listener, it speaks TLS 1.2 and newer."""

    assembly.sink.resource_count_is("AWS::ElasticLoadBalancingV2::Listener", 1)
    assembly.sink.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::Listener", {"Port": 443, "Protocol": "HTTPS"}
    )


def test_taps_may_go_anywhere(assembly: Assembly) -> None:
    """A worker reaches any address by TCP and by UDP: which ones it may is the URL guard's."""

    assembly.sink.has_resource_properties(
        "AWS::EC2::SecurityGroup",
        {
            "GroupDescription": Match.string_like_regexp("to a worker"),
            "SecurityGroupEgress": [Match.object_like({"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"})],
        },
    )


def test_without_workers_carriers_are_told_to_come_later(assembly: Assembly) -> None:
    """Who takes calls is said by the generations' rules; where there is none, the answer is 503."""

    assembly.sink.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::Listener",
        {
            "DefaultActions": [
                {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}
            ]
        },
    )
    assembly.sink.resource_count_is("AWS::ECS::Service", 0)
