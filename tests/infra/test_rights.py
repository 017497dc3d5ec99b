"""Who may do what, in all templates."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra.paths import ROOT
from tests.infra.conftest import Assembly

Statement = dict[str, Any]

WITHOUT_RESOURCE_LEVEL = {
    # Finalization and Delivery have their logs delivered
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    # a task's image is pulled, a worker asks for its own address
    "ecr:GetAuthorizationToken",
    "ec2:DescribeNetworkInterfaces",
}
"""Actions for which AWS knows no other resource than all (Service Authorization Reference)."""

NEEDED = {
    "abort_multipart_upload": "s3:AbortMultipartUpload",
    "batch_get_item": "dynamodb:BatchGetItem",
    "complete_multipart_upload": "s3:PutObject",
    "create_multipart_upload": "s3:PutObject s3:PutObjectTagging",
    "delete_item": "dynamodb:DeleteItem",
    "delete_objects": "s3:DeleteObject s3:DeleteObjectVersion",
    "get_item": "dynamodb:GetItem",
    "get_object": "s3:GetObject",
    "get_parameter": "ssm:GetParameter",
    "get_public_key": "kms:GetPublicKey",
    "get_secret_value": "secretsmanager:GetSecretValue",
    "head_object": "s3:GetObject s3:GetObjectVersion s3:GetObjectRetention s3:GetObjectLegalHold",
    "list_multipart_uploads": "s3:ListBucketMultipartUploads",
    "list_object_versions": "s3:ListBucketVersions",
    "list_objects_v2": "s3:ListBucket",
    "put_events": "events:PutEvents",
    "put_item": "dynamodb:PutItem",
    "put_object": "s3:PutObject s3:PutObjectTagging",
    "query": "dynamodb:Query",
    "sign": "kms:Sign",
    "start_execution": "states:StartExecution",
    "transact_write_items": "dynamodb:PutItem dynamodb:UpdateItem dynamodb:DeleteItem",
    "update_item": "dynamodb:UpdateItem",
    "upload_part": "s3:PutObject",
}
"""What an adapter calls, and the rights that this takes."""

OPERATOR_S = {"scan"}
"""What only an operator's command calls, with the operator's own rights: no function may."""

BESIDE_CALLS = {
    # S3 asks KMS in our name
    "kms:Decrypt",
    "kms:GenerateDataKey",
    # Lambda and ECS write the logs
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    # a worker asks its task's agent, and ECS and EC2 about itself
    "ecs:DescribeTasks",
    "ecs:GetTaskProtection",
    "ecs:UpdateTaskProtection",
    "ec2:DescribeNetworkInterfaces",
}


def policies(assembly: Assembly) -> Iterator[tuple[str, Statement]]:
    """Yield every statement that lets something, with the name of the policy it stands in."""
    for template in (assembly.recorder, assembly.sink, assembly.generation):
        for name, resource in template.to_json()["Resources"].items():
            for document in documents(resource.get("Properties", {})):
                for statement in document["Statement"]:
                    if statement["Effect"] == "Allow":
                        yield name, statement


def documents(properties: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the policies of a resource, its own and those of its inline list."""
    for key in ("PolicyDocument", "KeyPolicy", "AssumeRolePolicyDocument"):
        if key in properties:
            yield properties[key]
    for inline in properties.get("Policies", ()):
        yield inline["PolicyDocument"]


def listed(one_or_more: Any) -> list[Any]:
    """Return what a policy leaves as one where it isn't more."""
    return one_or_more if isinstance(one_or_more, list) else [one_or_more]


def granted(assembly: Assembly, role: str) -> dict[str, set[str]]:
    """Return a role's actions, each with the resources, as text."""
    found: dict[str, set[str]] = {}
    for name, statement in policies(assembly):
        if name.startswith(f"{role}DefaultPolicy"):
            for action in listed(statement["Action"]):
                texts = map(json.dumps, listed(statement["Resource"]))
                found.setdefault(action, set()).update(texts)
    assert found, role
    return found


def ours(assembly: Assembly) -> set[str]:
    """Return the actions of the functions and of the sink's task."""
    mine = re.compile(r"(\w+AccessDefaultPolicy|TaskTaskRoleDefaultPolicy)[0-9A-F]{8}")
    workflows = ("Finalization", "Delivery", "Carrier")
    return {
        action
        for name, statement in policies(assembly)
        if mine.fullmatch(name) and not name.startswith(workflows)
        for action in listed(statement["Action"])
    }


def test_no_action_has_a_wildcard(assembly: Assembly) -> None:
    """Not one, but in a key's own policy, which leaves the key to the account's IAM."""
    wild = [
        (name, action)
        for name, statement in policies(assembly)
        for action in listed(statement["Action"])
        if "*" in action
    ]
    keys = assembly.recorder.find_resources("AWS::KMS::Key")

    assert sorted((name, "kms:*") for name in keys) == sorted(wild)
    for key in keys.values():
        (statement,) = key["Properties"]["KeyPolicy"]["Statement"]
        assert ":root" in json.dumps(statement["Principal"])


def test_everything_is_a_resource_only_where_there_is_no_other(assembly: Assembly) -> None:
    """A role's action has a resource that it ends at, unless AWS has none for it."""
    everywhere = {
        action
        for name, statement in policies(assembly)
        if "Principal" not in statement and "*" in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }

    assert WITHOUT_RESOURCE_LEVEL == everywhere


def test_what_is_granted_is_what_adapters_call(assembly: Assembly) -> None:
    """No more, since it would be somebody's way in; and no less, since no emulator would tell."""
    text = "".join(path.read_text() for path in (ROOT / "chalicelib/adapters").rglob("*.py"))
    called = set(re.findall(r"client\.([a-z_0-9]+)\(", text)) - {"get_paginator", "client"}
    called |= set(re.findall(r'(?:paginator|_pages)\(\s*"(\w+)"', text))
    called -= {"generate_presigned_url", "describe_network_interfaces"} | OPERATOR_S

    assert set(NEEDED) == called
    assert {right for rights in NEEDED.values() for right in rights.split()} == (
        ours(assembly) - BESIDE_CALLS
    )


@pytest.mark.parametrize(
    ("role", "services"),
    [
        ("AttemptAccess", {"dynamodb", "events", "logs", "secretsmanager"}),
        ("MarkErrorAccess", {"dynamodb", "logs", "ssm", "states"}),
        ("AssembleAccess", {"dynamodb", "kms", "logs", "s3", "secretsmanager"}),
        ("AskCarrierAccess", {"dynamodb", "logs", "secretsmanager", "ssm"}),
        ("HookCredentialsAccess", {"logs"}),
    ],
)
def test_a_function_touches_what_it_works_with(
    assembly: Assembly, role: str, services: set[str]
) -> None:
    """Who talks to others, `Attempt` and `AskCarrier`, has no right to audio, nor to start
    anything."""

    assert services == {action.split(":")[0] for action in granted(assembly, role)}


def test_the_sink_puts_journal_and_segments_and_nothing_else(assembly: Assembly) -> None:
    """It may read there, too, to compare what it put; it deletes nothing and lists nothing."""
    rights = {
        action: resources
        for action, resources in granted(assembly, "TaskTaskRole").items()
        if action.startswith("s3:")
    }

    assert {"s3:PutObject", "s3:GetObject"} == set(rights)
    for resources in rights.values():
        assert ["journal", "segments"] == sorted(re.findall(r'"/(\w+)/\*"', "".join(resources)))
        assert not any("Recordings" in resource for resource in resources)


def test_the_api_reads_recordings_and_changes_none(assembly: Assembly) -> None:
    """A presigned URL can do what its signer may: read finished audio."""
    rights = granted(assembly, "APIHandlerAccess")
    on_s3 = {action for action in rights if action.startswith("s3:")}

    assert on_s3 == {
        *("s3:GetObject", "s3:ListBucket", "s3:ListBucketVersions"),
        *("s3:GetObjectVersion", "s3:GetObjectRetention", "s3:GetObjectLegalHold"),
    }
    assert all("Recordings" in one for action in on_s3 for one in rights[action])


def test_finalization_reads_media_and_puts_recordings(assembly: Assembly) -> None:
    """`Assemble` can't change what a worker stored, and puts under recordings/ only."""
    rights = granted(assembly, "AssembleAccess")

    assert {"Recordings"} == {
        bucket for one in rights["s3:PutObject"] for bucket in re.findall("Media|Recordings", one)
    }
    assert all("/recordings/*" in one for one in rights["s3:PutObject"])
    assert not any("Delete" in action for action in rights)


def test_the_sweeper_alone_deletes_audio(assembly: Assembly) -> None:
    """No other role may delete an object, or a version of one."""
    deleters = {
        name.partition("DefaultPolicy")[0]
        for name, statement in policies(assembly)
        if any("s3:Delete" in action for action in listed(statement["Action"]))
    }

    assert {"SweepAccess"} == deleters
