"""RecorderStack, as CloudFormation will read it."""

from __future__ import annotations

import json

import pytest
from aws_cdk.assertions import Match

from chalicelib.carriers.registry import ROWS
from chalicelib.security.secret_names import SHARED_PATTERN
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


def test_all_buckets_refuse_plain_http(assembly: Assembly) -> None:
    """Each bucket's policy denies what comes without TLS."""
    refusal = Match.object_like(
        {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    )

    assembly.recorder.resource_properties_count_is(
        "AWS::S3::BucketPolicy",
        {"PolicyDocument": {"Statement": Match.array_with([refusal])}},
        3,
    )
    assembly.recorder.resource_count_is("AWS::S3::Bucket", 3)


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


def test_api_gateway_asks_for_user_and_password(assembly: Assembly) -> None:
    """The basic door has an authorizer, and the 401 that comes without it keeps its header."""
    apis = assembly.recorder.find_resources("AWS::Serverless::Api")
    (body,) = [api["Properties"]["DefinitionBody"] for api in apis.values()]
    asking = [path for path, found in body["paths"].items() if "security" in found.get("post", {})]
    unauthorized = body["x-amazon-apigateway-gateway-responses"]["UNAUTHORIZED"]

    basic = [row.first_basic_route for row in ROWS.values() if row.first_basic_route]
    assert {"/hooks-basic/{carrier}/{token}", *basic} == set(asking)
    assert ["hook_credentials"] == list(body["securityDefinitions"])
    assert "'Basic realm=\"tapedeck\"'" in unauthorized["responseParameters"].values()


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


def test_secrets_are_shared_by_a_parameter(assembly: Assembly) -> None:
    """By default none is. CloudFormation refuses what the functions couldn't read, so that a typing
    error doesn't stop them."""
    (parameter,) = assembly.recorder.find_parameters("SharedCredentials").values()
    functions = assembly.recorder.find_resources("AWS::Serverless::Function")
    read = {
        name
        for name, found in functions.items()
        if {"Ref": "SharedCredentials"}
        == found["Properties"]["Environment"]["Variables"]["TAPEDECK_SHARED_CREDENTIALS"]
    }

    assert ("", SHARED_PATTERN) == (parameter["Default"], parameter["AllowedPattern"])
    assert set(FUNCTIONS) == read


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


def test_api_has_one_stage(assembly: Assembly) -> None:
    """SAM makes another one, that answers too, where an API names no version of OpenAPI; floods are
    refused before a function runs."""
    (api,) = assembly.recorder.find_resources("AWS::Serverless::Api").values()
    (every,) = api["Properties"]["MethodSettings"]

    assert "2.0" == api["Properties"]["OpenApiVersion"]
    assert ("*", "/*", 2000, 4000) == tuple(every.values())
