"""SinkStack, as CloudFormation will read it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from aws_cdk.assertions import Match

from chalicelib.sink.metrics import UNITS, embedded
from tests.infra.conftest import Assembly


def task_statements(assembly: Assembly) -> list[dict[str, object]]:
    """What the task role may do."""
    policies = assembly.sink.find_resources("AWS::IAM::Policy")
    return [
        statement
        for policy in policies.values()
        if any("TaskTaskRole" in role["Ref"] for role in policy["Properties"]["Roles"])
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


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


def test_worker_is_asked_whether_it_is_well(assembly: Assembly) -> None:
    """The load balancer and the container ask /healthz."""

    assembly.sink.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::TargetGroup", {"HealthCheckPath": "/healthz"}
    )
    assert "/healthz" in json.dumps(
        assembly.sink.find_resources("AWS::ECS::TaskDefinition"), ensure_ascii=False
    )


def test_worker_has_time_to_write_everything(assembly: Assembly) -> None:
    """A stopped task has 120 s, room for an hour of S3 outage, and a root it can't change."""

    assembly.sink.has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "Cpu": "1024",
            "EphemeralStorage": {"SizeInGiB": 21},
            "ContainerDefinitions": [
                Match.object_like({"StopTimeout": 120, "ReadonlyRootFilesystem": True})
            ],
        },
    )


def test_a_flood_of_log_lines_does_not_stop_a_worker(assembly: Assembly) -> None:
    """The log driver drops lines rather than let the worker wait for it."""

    options = {"mode": "non-blocking"}
    container = {"LogConfiguration": {"Options": Match.object_like(options)}}
    assembly.sink.has_resource_properties(
        "AWS::ECS::TaskDefinition", {"ContainerDefinitions": [Match.object_like(container)]}
    )


def test_service_scales_on_live_calls(assembly: Assembly) -> None:
    """Tasks follow the average of live calls a task, not processor load."""

    assembly.sink.has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        {
            "TargetTrackingScalingPolicyConfiguration": Match.object_like(
                {
                    "CustomizedMetricSpecification": Match.object_like(
                        {"Namespace": "Tapedeck", "MetricName": "LiveCalls", "Statistic": "Average"}
                    )
                }
            )
        },
    )


def test_scaling_and_alarms_read_what_the_sink_tells(assembly: Assembly) -> None:
    """Namespace, name and dimension are those of the sink's own line: another name is silence."""
    line: Any = embedded(dict.fromkeys(UNITS, 0), datetime.now(UTC))
    (told,) = line["_aws"]["CloudWatchMetrics"]
    dimensions = [{"Name": name, "Value": line[name]} for name in told["Dimensions"][0]]

    read = metrics_of(assembly)

    assert {"LiveCalls", "Degraded"} == {metric["MetricName"] for metric in read}
    assert {"LiveCalls", "Degraded"} <= {metric["Name"] for metric in told["Metrics"]}
    assert [(told["Namespace"], dimensions)] * len(read) == [
        (metric["Namespace"], metric["Dimensions"]) for metric in read
    ]


def metrics_of(assembly: Assembly) -> list[dict[str, Any]]:
    """Every metric of ours that the stack's alarms and scaling policies read."""
    alarms = assembly.sink.find_resources("AWS::CloudWatch::Alarm").values()
    policies = assembly.sink.find_resources("AWS::ApplicationAutoScaling::ScalingPolicy").values()
    tracked = [
        policy["Properties"]["TargetTrackingScalingPolicyConfiguration"][
            "CustomizedMetricSpecification"
        ]
        for policy in policies
    ]
    read = [alarm["Properties"] for alarm in alarms] + tracked
    return [metric for metric in read if not metric["Namespace"].startswith("AWS/")]


def test_task_protects_itself(assembly: Assembly) -> None:
    """A worker with calls may keep itself from being scaled in, and no other cluster's task."""
    protection = [
        statement
        for statement in task_statements(assembly)
        if "ecs:UpdateTaskProtection" in statement["Action"]  # type: ignore[operator]
    ]

    assert 1 == len(protection)
    assert ":task/" in json.dumps(protection[0]["Resource"])


def test_sink_touches_only_journal_and_segments(assembly: Assembly) -> None:
    """The sink's rights on S3 end at two prefixes, and nothing there can be deleted by it."""
    on_s3 = [statement for statement in task_statements(assembly) if "s3:" in json.dumps(statement)]
    resources = json.dumps([statement["Resource"] for statement in on_s3])

    assert 2 * len(on_s3) >= resources.count("/journal/*") + resources.count("/segments/*") > 0
    assert "s3:Delete" not in json.dumps(on_s3)
    assert "Recordings" not in resources


def test_rtp_comes_to_the_ports_that_workers_announce(assembly: Assembly) -> None:
    """The security group opens the range that a worker is told, for UDP, to everybody."""
    udp = {
        "CidrIp": "0.0.0.0/0",
        "Description": "RTP taps",
        "FromPort": 20000,
        "IpProtocol": "udp",
        "ToPort": 21999,
    }

    assembly.sink.has_resource_properties(
        "AWS::EC2::SecurityGroup", {"SecurityGroupIngress": Match.array_with([udp])}
    )
    assembly.sink.has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "ContainerDefinitions": [
                {
                    "Environment": Match.array_with(
                        [{"Name": "TAPEDECK_RTP_PORTS", "Value": "20000-21999"}]
                    )
                }
            ]
        },
    )


def test_worker_may_ask_for_its_own_address(assembly: Assembly) -> None:
    """The one right of its on every resource: EC2 has no narrower one for this question."""
    everywhere = [one for one in task_statements(assembly) if one["Resource"] == "*"]

    assert ["ec2:DescribeNetworkInterfaces"] == [one["Action"] for one in everywhere]


def test_workers_reach_each_other_on_one_private_port(assembly: Assembly) -> None:
    """The port that a worker listens on for the others is open to workers alone."""

    assembly.sink.has_resource_properties(
        "AWS::EC2::SecurityGroupIngress",
        {"FromPort": 8081, "ToPort": 8081, "IpProtocol": "tcp", "Description": "other workers"},
    )
    assembly.sink.has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "ContainerDefinitions": [
                {
                    "Environment": Match.array_with(
                        [{"Name": "TAPEDECK_RELAY_PORT", "Value": "8081"}]
                    )
                }
            ]
        },
    )
