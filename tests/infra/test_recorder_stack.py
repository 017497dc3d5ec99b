"""RecorderStack, as CloudFormation will read it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Match

from chalicelib.recording.schedule import Reason
from tests.infra.conftest import Assembly

FUNCTIONS = (
    *("APIHandler", "Assemble", "Publish", "MarkError", "Attempt", "Sweep"),
    *("AskCarrier", "HookCredentials"),
)
INDEXES = {
    "by_call": ["gsi1pk", "gsi1sk"],
    "by_account": ["gsi2pk", "gsi2sk"],
    "due": ["duepk", "duesk"],
}


def statements(assembly: Assembly, function: str) -> list[dict[str, object]]:
    """Every statement of every policy on a function's role."""
    policies = assembly.recorder.find_resources("AWS::IAM::Policy")
    return [
        statement
        for policy in policies.values()
        if any(f"{function}Access" in role["Ref"] for role in policy["Properties"]["Roles"])
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def actions(assembly: Assembly, function: str) -> set[str]:
    """Every action that a function may do."""
    found: set[str] = set()
    for statement in statements(assembly, function):
        action = statement["Action"]
        found.update([action] if isinstance(action, str) else action)  # type: ignore[arg-type]
    return found


def test_core_table_survives_mistakes(assembly: Assembly) -> None:
    """The Core table can be restored to any second and not be deleted by mistake."""

    assembly.recorder.has_resource(
        "AWS::DynamoDB::Table",
        {
            "DeletionPolicy": "Retain",
            "Properties": Match.object_like(
                {
                    "BillingMode": "PAY_PER_REQUEST",
                    "DeletionProtectionEnabled": True,
                    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                    "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
                }
            ),
        },
    )


def test_the_sweeper_alone_deletes_finished_audio(assembly: Assembly) -> None:
    """No other role may delete a version of a recording, and the sink deletes nothing."""
    deleters = {
        name
        for stack in (assembly.recorder, assembly.sink, assembly.generation)
        for name, policy in stack.find_resources("AWS::IAM::Policy").items()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if any("DeleteObject" in action for action in _actions(statement))
    }

    assert ["SweepAccess"] == [name.partition("DefaultPolicy")[0] for name in deleters]


def _actions(statement: dict[str, Any]) -> list[str]:
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else actions


def test_core_table_has_its_three_indexes(assembly: Assembly) -> None:
    """Recordings are found by call, by account and month, and by what is due."""
    tables = assembly.recorder.find_resources("AWS::DynamoDB::Table")
    core = next(
        table["Properties"]
        for table in tables.values()
        if "GlobalSecondaryIndexes" in table["Properties"]
    )

    found = {
        index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]]
        for index in core["GlobalSecondaryIndexes"]
    }

    assert INDEXES == found


def test_media_expires(assembly: Assembly) -> None:
    """Journal objects that the sweeper missed go after 3 days, segments after 37."""

    assembly.recorder.has_resource_properties(
        "AWS::S3::Bucket",
        {
            "LifecycleConfiguration": {
                "Rules": Match.array_with(
                    [
                        Match.object_like({"Prefix": "journal/", "ExpirationInDays": 3}),
                        Match.object_like({"Prefix": "segments/", "ExpirationInDays": 37}),
                    ]
                )
            }
        },
    )


def test_recordings_are_encrypted_versioned_and_private(assembly: Assembly) -> None:
    """Finished audio has versions, a key of the deployment's own, and no public way."""

    assembly.recorder.has_resource_properties(
        "AWS::S3::Bucket",
        {
            "VersioningConfiguration": {"Status": "Enabled"},
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [Match.object_like({"BucketKeyEnabled": True})]
            },
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
        },
    )


def test_both_buckets_refuse_plain_http(assembly: Assembly) -> None:
    """Each bucket's policy denies what comes without TLS."""
    refusal = Match.object_like(
        {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    )

    assembly.recorder.resource_properties_count_is(
        "AWS::S3::BucketPolicy",
        {"PolicyDocument": {"Statement": Match.array_with([refusal])}},
        2,
    )


def test_the_log_that_says_who_asked_is_kept_longer(assembly: Assembly) -> None:
    """Thirteen months; the others a month."""
    groups = assembly.recorder.find_resources("AWS::Logs::LogGroup")
    days = {name: group["Properties"]["RetentionInDays"] for name, group in groups.items()}

    audited = [name for name, kept in days.items() if kept == 400]
    assert ["APIHandlerLogs"] == [name.removesuffix(name[-8:]) for name in audited]
    assert {30, 400} == set(days.values())


def test_retention_follows_the_tag(assembly: Assembly) -> None:
    """A recording tagged with days of retention expires after as many, in all its versions."""

    assembly.recorder.has_resource_properties(
        "AWS::S3::Bucket",
        {
            "LifecycleConfiguration": {
                "Rules": Match.array_with(
                    [
                        Match.object_like(
                            {
                                "ExpirationInDays": 30,
                                "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
                                "TagFilters": [{"Key": "retention_days", "Value": "30"}],
                            }
                        )
                    ]
                )
            }
        },
    )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_its_own_role_and_log(assembly: Assembly, function: str) -> None:
    """No two functions share a role or a log group."""
    properties = assembly.recorder.find_resources("AWS::Serverless::Function")[function][
        "Properties"
    ]

    assert properties["Role"]["Fn::GetAtt"][0].startswith(f"{function}Access")
    assert properties["LoggingConfig"]["LogGroup"]["Ref"].startswith(f"{function}Logs")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_may_do_everything(assembly: Assembly, function: str) -> None:
    """No action is a bare wildcard, and neither is what it may be done to."""
    named = statements(assembly, function)

    assert [] == [entry for entry in named if entry["Action"] == "*" or entry["Resource"] == "*"]
    assert not {action for action in actions(assembly, function) if action.endswith(":*")}


def test_api_gateway_asks_for_user_and_password(assembly: Assembly) -> None:
    """The basic door has an authorizer, and the 401 that comes without it keeps its header."""
    apis = assembly.recorder.find_resources("AWS::Serverless::Api")
    (body,) = [api["Properties"]["DefinitionBody"] for api in apis.values()]
    asking = [path for path, found in body["paths"].items() if "security" in found.get("post", {})]
    unauthorized = body["x-amazon-apigateway-gateway-responses"]["UNAUTHORIZED"]

    assert ["/hooks/bandwidth-basic/{token}"] == asking
    assert ["hook_credentials"] == list(body["securityDefinitions"])
    assert "'Basic realm=\"tapedeck\"'" in unauthorized["responseParameters"].values()


def test_attempt_has_no_right_to_audio(assembly: Assembly) -> None:
    """The function that talks to strangers can't touch S3, workflows or the Hot table's leases."""
    granted = {action.split(":")[0] for action in actions(assembly, "Attempt")}

    assert {"dynamodb", "events", "logs", "secretsmanager", "ssm"} == granted


def test_only_assemble_encodes(assembly: Assembly) -> None:
    """The encoder's layer is on one function, with a core of its own and room in /tmp."""
    functions = assembly.recorder.find_resources("AWS::Serverless::Function")
    layered = [name for name, found in functions.items() if "Layers" in found["Properties"]]
    assemble = functions["Assemble"]["Properties"]

    assert ["Assemble"] == layered
    assert (900, 1769, 4096) == (
        assemble["Timeout"],
        assemble["MemorySize"],
        assemble["EphemeralStorage"]["Size"],
    )


def test_webhooks_have_executions_of_their_own(assembly: Assembly) -> None:
    """Where an operator reserves some, the API gets them and nobody else."""
    functions = assembly.recorder.find_resources("AWS::Serverless::Function")
    reserved = {
        name: found["Properties"]["ReservedConcurrentExecutions"]
        for name, found in functions.items()
        if "ReservedConcurrentExecutions" in found["Properties"]
    }

    assert {"APIHandler": 50} == reserved


def test_environment_is_the_same_everywhere(assembly: Assembly) -> None:
    """The output that processes outside Lambda read holds what the functions get."""
    functions = assembly.recorder.find_resources("AWS::Serverless::Function")
    variables = functions["Sweep"]["Properties"]["Environment"]["Variables"]
    output = json.dumps(assembly.recorder.find_outputs("Environment"))

    assert [] == [name for name in variables if name not in output]


def test_sweep_runs_every_minute(assembly: Assembly) -> None:
    """A sweep that can't start isn't repeated: the next one is a minute away."""

    assembly.recorder.has_resource_properties(
        "AWS::Scheduler::Schedule",
        {
            "ScheduleExpression": "rate(1 minute)",
            "Target": Match.object_like(
                {"RetryPolicy": Match.object_like({"MaximumRetryAttempts": 0})}
            ),
        },
    )


def test_alarms_reach_an_address(assembly: Assembly) -> None:
    """Every alarm goes to the topic, and the topic to the operator."""
    alarms = assembly.recorder.find_resources("AWS::CloudWatch::Alarm")

    assembly.recorder.has_resource_properties(
        "AWS::SNS::Subscription", {"Protocol": "email", "Endpoint": "ops@example.com"}
    )
    assert [] == [name for name, made in alarms.items() if not made["Properties"]["AlarmActions"]]


def test_a_postponed_attempt_wakes_nobody(assembly: Assembly) -> None:
    """Raising is how an attempt asks to be repeated, so its errors have no alarm."""
    alarms = assembly.recorder.find_resources("AWS::CloudWatch::Alarm").values()
    watched = [
        dimension["Value"]["Ref"]
        for made in alarms
        if made["Properties"]["MetricName"] == "Errors"
        for dimension in made["Properties"]["Dimensions"]
    ]

    assert sorted(set(FUNCTIONS) - {"Attempt"}) == sorted(watched)


def test_a_disabled_receiver_wakes_somebody(assembly: Assembly) -> None:
    """The alarm counts what `attempt` says in its log of callbacks that aren't sent any more."""
    assembly.recorder.has_resource_properties(
        "AWS::Logs::MetricFilter",
        {
            "FilterPattern": f'{{ $.given_up = "{Reason.DISABLED}" }}',
            "LogGroupName": {"Ref": Match.string_like_regexp("^AttemptLogs")},
            "MetricTransformations": [
                {
                    "MetricName": "CallbacksToDisabled",
                    "MetricNamespace": "Tapedeck",
                    "MetricValue": "1",
                }
            ],
        },
    )
    assembly.recorder.has_resource_properties(
        "AWS::CloudWatch::Alarm", {"MetricName": "CallbacksToDisabled", "Threshold": 1}
    )


@pytest.mark.parametrize("stack", ["RecorderStack", "SinkStack", "SinkGeneration7"])
def test_cfn_lint_finds_nothing(assembly: Assembly, stack: str) -> None:
    """cfn-lint has nothing to say about the templates."""
    template = assembly.folder / f"{stack}.template.json"

    said = subprocess.run(
        [str(Path(sys.executable).parent / "cfn-lint"), str(template)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "" == said.stdout + said.stderr
