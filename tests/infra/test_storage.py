"""Tables, buckets and keys: how long things stay, and who can't take them away."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from infra.settings import read_settings
from infra.storage import Storage


def stored(**context: str) -> dict[str, dict[str, Any]]:
    """Return the resources of a deployment's storage by their constructs' names."""
    app = App(context=context)
    stack = Stack(app, "Stack")
    Storage(stack, "Storage", settings=read_settings(app.node))
    resources = Template.from_stack(stack).to_json()["Resources"]
    return {name.removeprefix("Storage")[:-8]: made for name, made in resources.items()}


@pytest.fixture(scope="module")
def usual() -> dict[str, dict[str, Any]]:
    """What a deployment without options gets."""
    return stored()


def rules(bucket: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return a bucket's lifecycle rules by their names."""
    return {rule["Id"]: rule for rule in bucket["Properties"]["LifecycleConfiguration"]["Rules"]}


def lockable(storage: dict[str, dict[str, Any]]) -> set[str]:
    """Return the names of what Object Lock is on for."""
    return {
        name
        for name, made in storage.items()
        if made.get("Properties", {}).get("ObjectLockEnabled", False)
    }


@pytest.mark.parametrize("bucket", ["Media", "Recordings"])
def test_audio_is_under_a_key_of_the_deployment_s_own(
    usual: dict[str, dict[str, Any]], bucket: str
) -> None:
    """Journal and segments as finished recordings; the bucket's own key spares most of KMS's
    requests, the key's own rotates each year."""
    (how,) = usual[bucket]["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    default = how["ServerSideEncryptionByDefault"]

    assert ("aws:kms", True) == (default["SSEAlgorithm"], how["BucketKeyEnabled"])
    assert default["KMSMasterKeyID"]["Fn::GetAtt"][0].startswith("StorageKey")
    assert usual["Key"]["Properties"]["EnableKeyRotation"]


@pytest.mark.parametrize("bucket", ["Media", "Recordings", "AccessLogs"])
def test_no_bucket_has_a_public_way(usual: dict[str, dict[str, Any]], bucket: str) -> None:
    """All four blocks are on, and ACLs are off."""
    properties = usual[bucket]["Properties"]

    assert [True] * 4 == list(properties["PublicAccessBlockConfiguration"].values())
    assert [{"ObjectOwnership": "BucketOwnerEnforced"}] == properties["OwnershipControls"]["Rules"]


def test_only_finished_recordings_have_versions(usual: dict[str, dict[str, Any]]) -> None:
    """What is deleted of journal and segments is gone."""
    versioned = {name for name, made in usual.items() if "VersioningConfiguration" in str(made)}

    assert {"Recordings"} == versioned


def test_media_goes_by_itself(usual: dict[str, dict[str, Any]]) -> None:
    """Journal objects that the sweeper missed after 3 days, segments after 37."""
    media = rules(usual["Media"])

    assert {"journal/": 3, "segments/": 37} == {
        rule["Prefix"]: rule["ExpirationInDays"] for rule in media.values() if "Prefix" in rule
    }


def test_who_opened_a_recording_is_known_for_13_months(usual: dict[str, dict[str, Any]]) -> None:
    """S3 logs each request for finished audio, presigned ones too, and may put nothing else."""
    logging = usual["Recordings"]["Properties"]["LoggingConfiguration"]
    allowed = [
        statement
        for statement in usual["AccessLogsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        if "Allow" == statement["Effect"]
    ]

    assert logging["DestinationBucketName"]["Ref"].startswith("StorageAccessLogs")
    assert [400] == [rule["ExpirationInDays"] for rule in rules(usual["AccessLogs"]).values()]
    assert [("s3:PutObject", {"Service": "logging.s3.amazonaws.com"})] == [
        (statement["Action"], statement["Principal"]) for statement in allowed
    ]


def test_object_lock_is_an_option_of_finished_recordings(usual: dict[str, dict[str, Any]]) -> None:
    """Media is never locked: it has to go. Nobody gets a lock who didn't ask for one."""
    wished = stored(object_lock="true")

    assert ({"Recordings"}, set()) == (lockable(wished), lockable(usual))


def test_what_is_kept_outlives_its_stack(usual: dict[str, dict[str, Any]]) -> None:
    """Deleting a stack by mistake takes the Hot table and nothing else that has content."""
    gone = {name for name, made in usual.items() if "Delete" == made.get("DeletionPolicy")}
    destroyed = stored(removable="true")

    assert {"Hot"} == gone
    assert set() == {name for name, made in destroyed.items() if "Retain" in str(made)}
