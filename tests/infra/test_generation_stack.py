"""A generation of workers, as CloudFormation will read it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

from chalicelib.carriers import registry
from chalicelib.sink.metrics import UNITS, embedded
from chalicelib.sink.runtime.limits import Limits
from infra.generation_stack import STOP_TIMEOUT, priority_of_new_calls
from infra.paths import ROOT
from infra.settings import MOST_GENERATIONS
from tests.infra.conftest import Assembly

NUMBER = 7

TAKEN = {
    "ExportsOutputFnGetAttStorageCore36D12788Arn70E5D35C",
    "ExportsOutputFnGetAttStorageHotBD6249BCArn484E5A76",
    "ExportsOutputFnGetAttStorageMedia9333CB25Arn598500A1",
    "ExportsOutputFnGetAttSecretA720EF05IdD66DA4FE",
    "ExportsOutputFnGetAttStorageKeyBAA9457BArn746704A7",
    "ExportsOutputRefStorageCore36D127884A11D4EB",
    "ExportsOutputRefStorageHotBD6249BC4F4D16E5",
    "ExportsOutputRefStorageMedia9333CB25D59405A1",
    "ExportsOutputRefStorageRecordings413F2A040C4891D8",
    "ExportsOutputRefBusEA82B6486A28F94F",
    "ExportsOutputRefStorageSigningKey89E41C3953B45B8F",
    "ExportsOutputRefAlarms04B5A0BF701FB519",
    "ExportsOutputRefClusterEB0386A796A0E3FE",
    "ExportsOutputRefLogs6819BB446A932AEA",
    "ExportsOutputFnGetAttLogs6819BB44Arn28BC796A",
    "ExportsOutputRefNetworkVpc7FB7348F649FC110",
    "ExportsOutputRefBalancerHttpsAFC43DBF390BE11B",
    "ExportsOutputRefNetworkVpcpublicSubnet1Subnet0061765704A2C53F",
    "ExportsOutputRefNetworkVpcpublicSubnet2SubnetDCAA7C9A31F49033",
    "ExportsOutputFnGetAttNetworkWorker136F103BGroupIdE91FD86C",
}
"""outputs of RecorderStack and SinkStack that some version's workers were deployed with"""


def task_statements(assembly: Assembly) -> list[dict[str, object]]:
    """What the task role may do."""
    policies = assembly.generation.find_resources("AWS::IAM::Policy")
    return [
        statement
        for policy in policies.values()
        if any("TaskTaskRole" in role["Ref"] for role in policy["Properties"]["Roles"])
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def rules(generation: Template) -> dict[str, dict[str, Any]]:
    """Return the listener's rules by the paths that they are for."""
    found = generation.find_resources("AWS::ElasticLoadBalancingV2::ListenerRule")
    return {
        rule["Properties"]["Conditions"][0]["PathPatternConfig"]["Values"][0]: rule
        for rule in found.values()
    }


def test_a_generation_takes_calls_when_its_workers_are_well(assembly: Assembly) -> None:
    """CloudFormation makes the rule for new calls after the service, which is there when its tasks
    are; one that never gets well takes none. ECS wants the group of a rule first."""
    ((name, service),) = assembly.generation.find_resources("AWS::ECS::Service").items()
    (group,) = assembly.generation.find_resources("AWS::ElasticLoadBalancingV2::TargetGroup")
    named, newest = rules(assembly.generation)["/g7/*"], rules(assembly.generation)["/*"]

    assert name in newest["DependsOn"]
    assert name not in named.get("DependsOn", [])
    assert [one for one in service["DependsOn"] if one.startswith("Named")]
    for rule in (named, newest):
        assert [{"Type": "forward", "TargetGroupArn": {"Ref": group}}] == rule["Properties"][
            "Actions"
        ]


def test_a_generation_on_trial_takes_only_who_names_it(assembly: Assembly) -> None:
    """Only the rule for new calls comes, or goes: no task is touched."""
    given, tried = assembly.generation, assembly.on_trial
    (service,) = given.find_resources("AWS::ECS::Service").values()
    (same,) = tried.find_resources("AWS::ECS::Service").values()

    assert ["/g8/*"] == list(rules(tried))
    assert service == same
    assert {"Newest"} == given.to_json()["Resources"].keys() ^ tried.to_json()["Resources"].keys()


@pytest.mark.parametrize(
    ("path", "generation"),
    [
        ("/bandwidth/t-1", 7),
        ("/g7/bandwidth/t-1", 7),
        ("/g8/bandwidth/t-1", 8),
        ("/g3/signalwire-tap/t-1/c-1/speak", 7),
        ("/g77/bandwidth/t-1", 7),
        ("/nobodys", 7),
    ],
    ids=["none named", "the newest", "on trial", "gone", "never there", "no dialect's"],
)
def test_a_path_leads_where_the_rules_say(assembly: Assembly, path: str, generation: int) -> None:
    """Of the rules that match, the listener follows that of the least priority."""
    stacks = {7: assembly.generation, 8: assembly.on_trial}
    matching = [
        (rule["Properties"]["Priority"], number)
        for number, stack in stacks.items()
        for pattern, rule in rules(stack).items()
        if fnmatchcase(path, pattern)
    ]

    assert generation == min(matching)[1]


def test_what_generations_took_is_there_for_ever(assembly: Assembly) -> None:
    """CloudFormation removes no output that a living generation imports: a version whose workers
    need one less, or call it otherwise, could be deployed no more. `Stack.export_value` keeps it.
    """
    there = {
        name
        for stack in (assembly.recorder, assembly.sink)
        for name, output in stack.to_json()["Outputs"].items()
        if "Export" in output
    }

    assert set() == TAKEN - there


def test_the_newest_generation_is_asked_first() -> None:
    """A path that names one comes before; no two rules have a priority in common."""
    of_new_calls = [priority_of_new_calls(number) for number in range(1, MOST_GENERATIONS + 1)]

    assert sorted(of_new_calls, reverse=True) == of_new_calls
    assert MOST_GENERATIONS < min(of_new_calls)
    assert len(set(of_new_calls)) == len(of_new_calls)
    assert 50_000 >= max(of_new_calls)


def test_the_rules_priorities_are_the_generation_s(assembly: Assembly) -> None:
    """As reckoned above."""
    told = {
        path: rule["Properties"]["Priority"] for path, rule in rules(assembly.generation).items()
    }

    assert {"/g7/*": NUMBER, "/*": priority_of_new_calls(NUMBER)} == told


def test_a_worker_knows_the_paths_that_lead_to_it(assembly: Assembly) -> None:
    """With its generation in front, or without: the load balancer changes no path."""
    for path in rules(assembly.generation):
        asked = path.replace("*", "bandwidth/t-1")
        assert ("bandwidth", "t-1") == (registry.route(asked).dialect, registry.route(asked).token)


def test_a_task_that_goes_keeps_its_calls_for_an_hour(assembly: Assembly) -> None:
    """Its connections are cut, and SIGTERM comes, at the end of the deregistration delay."""

    assembly.generation.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        {
            "TargetGroupAttributes": Match.array_with(
                [{"Key": "deregistration_delay.timeout_seconds", "Value": "3600"}]
            )
        },
    )


def test_what_s3_does_not_take_has_a_disk(assembly: Assembly) -> None:
    """The folder that the worker is told is a volume that its user may write to, on a disk with
    room for the spool and 3 GiB for the image."""
    (task,) = assembly.generation.find_resources("AWS::ECS::TaskDefinition").values()
    (container,) = task["Properties"]["ContainerDefinitions"]
    environment = {one["Name"]: one["Value"] for one in container["Environment"]}
    folder = environment["TAPEDECK_RUN_DIR"]
    volumes = {one["Name"] for one in task["Properties"]["Volumes"]}
    mounted = {one["ContainerPath"]: one for one in container["MountPoints"]}

    assert not mounted[folder]["ReadOnly"]
    assert mounted[folder]["SourceVolume"] in volumes
    dockerfile = (ROOT / "infra" / "sink" / "Dockerfile").read_text()
    assert f"install -d -o tapedeck {folder}\n" in dockerfile
    assert f'VOLUME ["{folder}"' in dockerfile
    disk_gib = task["Properties"]["EphemeralStorage"]["SizeInGiB"]
    assert Limits().spool_bytes <= (disk_gib - 3) * 1024**3


def test_a_worker_may_stop_for_as_long_as_it_needs(assembly: Assembly) -> None:
    """Its own bound is below what Fargate waits before SIGKILL."""

    assert Limits().stop_within_s + 10 <= STOP_TIMEOUT.to_seconds()


def test_what_it_takes_from_other_stacks_never_changes(assembly: Assembly) -> None:
    """CloudFormation refuses to change an output that a generation took: no parameter is one."""
    taken = json.dumps(assembly.generation.to_json())
    parameters = assembly.recorder.to_json()["Parameters"]
    outputs = assembly.recorder.to_json()["Outputs"].values()
    locked = [json.dumps(one["Value"]) for one in outputs if "Export" in one]

    assert "Fn::ImportValue" in taken
    assert [] == [name for name in parameters if f'{{"Ref": "{name}"}}' in locked]


def test_worker_is_asked_whether_it_is_well(assembly: Assembly) -> None:
    """The load balancer and the container ask /healthz."""

    assembly.generation.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::TargetGroup", {"HealthCheckPath": "/healthz"}
    )
    assert "/healthz" in json.dumps(
        assembly.generation.find_resources("AWS::ECS::TaskDefinition"), ensure_ascii=False
    )


def test_worker_has_time_to_write_everything(assembly: Assembly) -> None:
    """A stopped task has 120 s, room for an hour of S3 outage, and a root it can't change."""

    assembly.generation.has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "Cpu": "1024",
            "EphemeralStorage": {"SizeInGiB": 21},
            "ContainerDefinitions": [
                Match.object_like({"StopTimeout": 120, "ReadonlyRootFilesystem": True})
            ],
        },
    )


def test_the_longest_stream_is_a_parameter(assembly: Assembly) -> None:
    """A value that a worker would refuse to begin with is refused before there is one."""
    told = assembly.generation.to_json()["Parameters"]["StreamSeconds"]

    assert ("Number", 43_200, 60, 43_200) == (
        told["Type"],
        told["Default"],
        told["MinValue"],
        told["MaxValue"],
    )
    setting = {"Name": "TAPEDECK_STREAM_SECONDS", "Value": {"Ref": "StreamSeconds"}}
    container = {"Environment": Match.array_with([setting])}
    assembly.generation.has_resource_properties(
        "AWS::ECS::TaskDefinition", {"ContainerDefinitions": [Match.object_like(container)]}
    )


def test_a_flood_of_log_lines_does_not_stop_a_worker(assembly: Assembly) -> None:
    """The log driver drops lines rather than let the worker wait for it."""

    options = {"mode": "non-blocking"}
    container = {"LogConfiguration": {"Options": Match.object_like(options)}}
    assembly.generation.has_resource_properties(
        "AWS::ECS::TaskDefinition", {"ContainerDefinitions": [Match.object_like(container)]}
    )


def test_service_scales_on_live_calls(assembly: Assembly) -> None:
    """Tasks follow the average of live calls a task, not processor load."""

    assembly.generation.has_resource_properties(
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
    line: Any = embedded(dict.fromkeys(UNITS, 0), datetime.now(UTC), NUMBER)
    _, told = line["_aws"]["CloudWatchMetrics"]
    dimensions = [{"Name": name, "Value": line[name]} for name in sorted(told["Dimensions"][0])]

    read = metrics_of(assembly)

    assert {"LiveCalls", "Degraded"} == {metric["MetricName"] for metric in read}
    assert {"LiveCalls", "Degraded"} <= {metric["Name"] for metric in told["Metrics"]}
    assert [(told["Namespace"], dimensions)] * len(read) == [
        (metric["Namespace"], metric["Dimensions"]) for metric in read
    ]


def metrics_of(assembly: Assembly) -> list[dict[str, Any]]:
    """Every metric of ours that the stack's alarms and scaling policies read."""
    alarms = assembly.generation.find_resources("AWS::CloudWatch::Alarm").values()
    policies = assembly.generation.find_resources(
        "AWS::ApplicationAutoScaling::ScalingPolicy"
    ).values()
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
    assembly.generation.has_resource_properties(
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
    assembly.generation.has_resource_properties(
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
