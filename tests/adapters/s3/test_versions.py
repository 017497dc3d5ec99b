"""All versions of what a recording made: one contract for the fake, moto and MiniStack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from botocore.stub import Stubber
from moto import mock_aws

from chalicelib.adapters.s3.versions import S3RenditionVersions
from chalicelib.errors import Conflict, Unavailable
from chalicelib.ports.aws import RenditionVersions
from tests.adapters.s3_client import PAGE, s3_client
from tests.conftest import MINISTACK
from tests.fakes_media import FakeRenditionStore, FakeRenditionVersions

NOW = datetime.now(UTC).replace(microsecond=0)
LOCKED_UNTIL = NOW + timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A bucket, and how a test puts into it."""

    versions: RenditionVersions
    put: Callable[[str, bool], None]
    """a key; whether Object Lock keeps this version"""
    client: Any = None
    bucket: str = ""


def _world(client: Any) -> World:
    bucket = f"tapedeck-{uuid4()}"
    client.create_bucket(
        Bucket=bucket,
        ObjectLockEnabledForBucket=True,
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )

    def put(key: str, is_locked: bool) -> None:
        lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": LOCKED_UNTIL}
        client.put_object(Bucket=bucket, Key=key, Body=b"x", **(lock if is_locked else {}))

    return World(
        versions=S3RenditionVersions(client, bucket), put=put, client=client, bucket=bucket
    )


def _fake() -> World:
    store = FakeRenditionStore()
    versions = FakeRenditionVersions(store)

    def put(key: str, is_locked: bool) -> None:
        store.put_text(key, "x", {})
        if is_locked:
            versions.locked[key] = LOCKED_UNTIL

    return World(versions=versions, put=put)


@pytest.fixture(params=["fake", "moto", MINISTACK])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """An empty bucket that locks objects where it is told to."""
    if request.param == "fake":
        yield _fake()
    elif request.param == "moto":
        with mock_aws():
            yield _world(s3_client())
    else:
        yield _world(s3_client(request.getfixturevalue("cloud").endpoint))


def test_everything_under_a_prefix_goes(world: World) -> None:
    """And nothing beside it; where nothing is left, that is success."""

    for key in ("r/1/recording.wav", "r/1/manifest.json", "r/2/recording.wav"):
        world.put(key, False)

    assert 2 == world.versions.erase("r/1/")
    assert 0 == world.versions.erase("r/1/")
    assert 1 == world.versions.erase("r/2/")


def test_a_locked_version_stays_and_is_told(world: World) -> None:
    """The lock is known before, and refused where it came in between; the rest goes."""

    world.put("r/1/recording.wav", True)
    world.put("r/1/manifest.json", False)

    assert (True, False) == (
        world.versions.is_locked("r/1/", NOW),
        world.versions.is_locked("r/1/", LOCKED_UNTIL + timedelta(seconds=1)),
    )
    assert not world.versions.is_locked("r/2/", NOW)
    with pytest.raises(Conflict) as refused:
        world.versions.erase("r/1/")
    assert "locked" == refused.value.code
    assert world.versions.is_locked("r/1/", NOW)


def test_older_versions_markers_and_uploads_go(world: World) -> None:
    """Nothing that S3 keeps beside what it shows is left."""

    if world.client is None:
        pytest.skip("the fake has one version of each object")
    where = {"Bucket": world.bucket, "Key": "r/1/recording.mp3"}
    for _ in range(3):
        world.put(where["Key"], False)
    world.client.delete_object(**where)
    world.client.create_multipart_upload(**where)

    assert 4 == world.versions.erase("r/1/")
    found = world.client.list_object_versions(Bucket=world.bucket)
    uploads = world.client.list_multipart_uploads(Bucket=world.bucket)
    assert [] == found.get("Versions", []) + found.get("DeleteMarkers", [])
    assert [] == uploads.get("Uploads", [])


def test_versions_and_uploads_of_all_pages_go(world: World) -> None:
    """A recording has more versions, and more unfinished uploads, than a page of either lists."""

    count = 2 * PAGE + 1
    keys = [f"r/1/{number}.wav" for number in range(count)]
    for key in keys:
        world.put(key, False)
        if world.client is not None:
            world.client.create_multipart_upload(Bucket=world.bucket, Key=key)

    assert count == world.versions.erase("r/1/")
    assert 0 == world.versions.erase("r/1/")
    if world.client is not None:
        uploads = world.client.list_multipart_uploads(Bucket=world.bucket)
        assert [] == uploads.get("Uploads", [])


def test_a_lock_on_a_later_page_is_found(world: World) -> None:
    """What locks a recording may be the last of its versions."""

    keys = [f"r/1/{number}.wav" for number in range(2 * PAGE + 1)]
    for key in keys:
        world.put(key, key == keys[-1])

    assert world.versions.is_locked("r/1/", NOW)


def test_more_versions_than_a_request_deletes_go_in_several() -> None:
    """S3 deletes 1,000 versions at once: the 1,001st goes with the second request."""

    client = s3_client()
    versions = [{"Key": "r/1/a.wav", "VersionId": str(number)} for number in range(1001)]
    with Stubber(client) as answers:
        answers.add_response("list_multipart_uploads", {})
        answers.add_response("list_object_versions", {"Versions": versions})
        for some in (versions[:1000], versions[1000:]):
            deleted = {"Bucket": "recordings", "Delete": {"Objects": some, "Quiet": True}}
            answers.add_response("delete_objects", {}, deleted)

        assert 1001 == S3RenditionVersions(client, "recordings").erase("r/1/")
        answers.assert_no_pending_responses()


@mock_aws
def test_a_legal_hold_is_a_lock() -> None:
    """It has no end that a date could tell."""

    world = _world(s3_client())
    world.client.put_object(
        Bucket=world.bucket, Key="r/1/recording.wav", Body=b"x", ObjectLockLegalHoldStatus="ON"
    )

    assert world.versions.is_locked("r/1/", LOCKED_UNTIL + timedelta(days=9000))


def test_what_s3_keeps_for_another_reason_is_tried_again() -> None:
    """An internal error is no lock."""

    client = s3_client()
    version = {"Key": "r/1/a.wav", "VersionId": "v"}
    with Stubber(client) as answers:
        answers.add_response("list_multipart_uploads", {})
        answers.add_response("list_object_versions", {"Versions": [version]})
        errors = [{**version, "Code": "InternalError"}]
        answers.add_response("delete_objects", {"Errors": errors})
        with pytest.raises(Unavailable, match="InternalError"):
            S3RenditionVersions(client, "recordings").erase("r/1/")


def test_what_goes_meanwhile_is_success() -> None:
    """A version or an upload that another sweep took first."""

    client = s3_client()
    version, upload = {"Key": "k", "VersionId": "v"}, {"Key": "k", "UploadId": "u"}
    with Stubber(client) as answers:
        answers.add_response("list_object_versions", {"Versions": [version]})
        answers.add_client_error("head_object", "404", http_status_code=404)
        answers.add_response("list_multipart_uploads", {"Uploads": [upload]})
        answers.add_client_error("abort_multipart_upload", "NoSuchUpload", http_status_code=404)
        answers.add_response("list_object_versions", {})
        versions = S3RenditionVersions(client, "recordings")

        assert not versions.is_locked("r/1/", NOW)
        assert 0 == versions.erase("r/1/")
