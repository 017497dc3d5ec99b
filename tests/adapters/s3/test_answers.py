"""What S3 answers on a bad day, written by the test."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import ANY, Stubber

from chalicelib.adapters.s3.buckets import SINK_CONFIG, TASK_CONFIG, S3MediaStore, S3RenditionStore
from chalicelib.errors import NotFound, Unavailable
from tests.adapters.s3_client import s3_client


def _file(folder: Path, body: bytes) -> tuple[str, str]:
    path = folder / "rendition"
    path.write_bytes(body)
    return str(path), hashlib.sha256(body).hexdigest()


@pytest.fixture
def stub() -> Iterator[tuple[Any, Stubber]]:
    """Yield a client whose answers the test writes."""
    client = s3_client()
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def test_another_checksum_in_the_answer_is_an_error(stub: tuple[Any, Stubber]) -> None:
    """What the store says it has is compared with what was sent."""

    client, answers = stub
    answers.add_response("put_object", {"ChecksumCRC32": "AAAAAA=="})

    with pytest.raises(Unavailable, match="checksum AAAAAA=="):
        S3MediaStore(client, "media").put("a", b"body")


def test_an_answer_without_checksum_is_asked_for_one(stub: tuple[Any, Stubber]) -> None:
    """A store that answers no checksum (MiniStack 1.5.33) is asked what it has."""

    client, answers = stub
    answers.add_response("put_object", {})
    answers.add_response("head_object", {"ChecksumCRC32": "AAAAAA=="})

    with pytest.raises(Unavailable, match="checksum AAAAAA=="):
        S3MediaStore(client, "media").put("a", b"body")


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("SlowDown", 503, Unavailable),
        ("InternalError", 500, Unavailable),
        ("AccessDenied", 403, Unavailable),
        ("NoSuchBucket", 404, Unavailable),
        ("ConditionalRequestConflict", 409, Unavailable),
        ("NoSuchKey", 404, NotFound),
    ],
)
def test_s3_errors_become_ours(
    stub: tuple[Any, Stubber], code: str, status: int, expected: type[Exception]
) -> None:
    """The tree tells whether trying again helps."""

    client, answers = stub
    answers.add_client_error("get_object", code, http_status_code=status)
    answers.add_client_error("get_object", code, http_status_code=status)

    with pytest.raises(expected, match=code):
        S3MediaStore(client, "media").get("a")
    with pytest.raises(expected, match=code):
        S3MediaStore(client, "media").get_head("a", 10)


def test_a_silent_s3_is_unavailable() -> None:
    """A timeout inside the SDK is ours too."""

    client = s3_client()
    client.meta.events.register("before-send.s3.PutObject", _time_out)

    with pytest.raises(Unavailable, match="Read timeout"):
        S3MediaStore(client, "media").put("a", b"body")


def _time_out(request: Any, **_: Any) -> None:
    raise ReadTimeoutError(endpoint_url=request.url, error="timed out")


@pytest.mark.parametrize("config", [SINK_CONFIG, TASK_CONFIG])
def test_a_body_is_hashed_once(config: Any) -> None:
    """Over TLS our CRC-32 goes along, and the signature leaves the payload out."""

    client = s3_client(config=config)
    sent: list[Any] = []
    client.meta.events.register(
        "before-send.s3.PutObject", lambda request, **_: _keep(sent, request)
    )

    with pytest.raises(Unavailable):
        S3MediaStore(client, "media").put("a", b"body")

    assert sent[0].url.startswith("https://")
    assert b"UNSIGNED-PAYLOAD" == sent[0].headers["X-Amz-Content-SHA256"]
    assert b"26gLsg==" == sent[0].headers["x-amz-checksum-crc32"]


def _keep(sent: list[Any], request: Any) -> None:
    sent.append(request)
    _time_out(request)


def test_a_key_that_s3_kept_is_an_error(stub: tuple[Any, Stubber]) -> None:
    """A deletion that failed for one key isn't success."""

    client, answers = stub
    answers.add_response("delete_objects", {"Errors": [{"Key": "a", "Code": "InternalError"}]})

    with pytest.raises(Unavailable, match="kept a: InternalError"):
        S3MediaStore(client, "media").delete(["a"])


def test_more_keys_than_a_request_deletes_go_in_several(stub: tuple[Any, Stubber]) -> None:
    """S3 deletes 1,000 keys at once: the 1,001st goes with the second request."""

    client, answers = stub
    keys = [f"journal/w/{number}" for number in range(1001)]
    for some in (keys[:1000], keys[1000:]):
        listed = {"Objects": [{"Key": key} for key in some], "Quiet": True}
        answers.add_response("delete_objects", {}, {"Bucket": "media", "Delete": listed})

    S3MediaStore(client, "media").delete(keys)

    answers.assert_no_pending_responses()


def test_losing_the_race_to_an_equal_file_is_success(
    stub: tuple[Any, Stubber], tmp_path: Path
) -> None:
    """Two at once store the same rendition: the later one finds it."""

    client, answers = stub
    path, sha256 = _file(tmp_path, b"sound")
    answers.add_client_error("head_object", "404", http_status_code=404)
    answers.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    answers.add_response("head_object", {"ContentLength": 5, "Metadata": {"sha256": sha256}})

    S3RenditionStore(client, "recordings").put_file("r/1.wav", path, sha256, {})


def test_losing_the_race_to_another_file_is_to_be_tried_again(
    stub: tuple[Any, Stubber], tmp_path: Path
) -> None:
    """Nobody overwrites what somebody else stored a moment ago."""

    client, answers = stub
    path, sha256 = _file(tmp_path, b"sound")
    old = {"ContentLength": 9, "Metadata": {"sha256": "00"}, "ETag": '"1"'}
    answers.add_response("head_object", old)
    answers.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    answers.add_response("head_object", old)

    with pytest.raises(Unavailable, match="replaced meanwhile"):
        S3RenditionStore(client, "recordings").put_file("r/1.wav", path, sha256, {})


def test_a_stored_file_with_a_wrong_checksum_is_stored_again(
    stub: tuple[Any, Stubber], tmp_path: Path
) -> None:
    """Its metadata alone doesn't make an object equal."""

    client, answers = stub
    path, sha256 = _file(tmp_path, b"sound")
    found = {"ContentLength": 5, "Metadata": {"sha256": sha256}, "ETag": '"1"'}
    answers.add_response("head_object", found | {"ChecksumCRC32": "AAAAAA=="})
    answers.add_response(
        "put_object",
        {"ChecksumCRC32": "+I7DhA=="},
        {
            "Bucket": "recordings",
            "Key": "r/1.wav",
            "Body": ANY,
            "IfMatch": '"1"',
            "ChecksumAlgorithm": "CRC32",
            "ChecksumCRC32": "+I7DhA==",
            "Metadata": {"sha256": sha256},
            "ContentType": "audio/wav",
        },
    )

    S3RenditionStore(client, "recordings").put_file("r/1.wav", path, sha256, {})


@pytest.mark.parametrize("abort_fails", [False, True])
def test_a_broken_multipart_is_given_up(
    stub: tuple[Any, Stubber], tmp_path: Path, abort_fails: bool
) -> None:
    """A part that arrived broken ends the upload, and its parts are freed."""

    client, answers = stub
    path, sha256 = _file(tmp_path, b"sound")
    answers.add_client_error("head_object", "404", http_status_code=404)
    answers.add_response("create_multipart_upload", {"UploadId": "u"})
    answers.add_response("upload_part", {"ETag": '"1"', "ChecksumCRC32": "AAAAAA=="})
    if abort_fails:
        answers.add_client_error("abort_multipart_upload", "SlowDown", http_status_code=503)
    else:
        answers.add_response("abort_multipart_upload", {})

    with pytest.raises(Unavailable, match="checksum AAAAAA=="):
        S3RenditionStore(client, "recordings", single_put_limit=0).put_file(
            "r/1.wav", path, sha256, {}
        )
