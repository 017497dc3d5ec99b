"""S3: the media bucket and the recordings bucket.

Every body carries the CRC-32 that we computed once, and the one that the store answers is compared.
Payloads aren't hashed a second time for the signature: TLS and the checksum protect them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from botocore.config import Config
from botocore.exceptions import ClientError

from chalicelib.adapters.botocore_errors import error_code, translated_s3
from chalicelib.adapters.s3.checksums import (
    compare,
    composite,
    crc_of_file,
    crc_text,
    head,
    put_object,
    stored_crc,
)
from chalicelib.errors import NotFound, PreconditionFailed, TapedeckError, Unavailable
from chalicelib.recording import keys as naming

SINK_CONFIG = Config(
    signature_version="s3v4",
    s3={"payload_signing_enabled": False},
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 1},
    max_pool_connections=32,
    tcp_keepalive=True,
)
"""For clients of the sink: its writer retries, and knows what waits; so the SDK doesn't."""

TASK_CONFIG = Config(
    signature_version="s3v4",
    s3={"payload_signing_enabled": False},
    connect_timeout=3,
    read_timeout=15,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=16,
)
"""For clients in Lambda: three attempts, a minute at most, then the state machine's retry."""

PART_SIZE = 8 * 1024 * 1024
"""bytes of a multipart's part: above S3's 5 MiB, 80 GB in 10,000 parts"""
_SINGLE_PUT_LIMIT = 64 * 1024 * 1024
_DELETE_LIMIT = 1000
_PRESIGN_LIMIT_S = 300


class S3MediaStore:
    """Journal objects and segments."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, body: bytes) -> None:
        """Store an object that doesn't exist yet; an equal one that does is success."""
        crc = crc_text(zlib.crc32(body))
        try:
            put_object(self._client, self._bucket, key, body, crc, IfNoneMatch="*")
        except PreconditionFailed:
            if stored_crc(self._client, self._bucket, key) != crc:
                raise

    def get(self, key: str) -> bytes:
        """Return a whole object."""
        with translated_s3("get", key):
            return _body(self._client.get_object(Bucket=self._bucket, Key=key))

    def get_head(self, key: str, size: int) -> bytes:
        """Return an object's first `size` bytes, or all of a smaller one."""
        with translated_s3("get", key):
            try:
                return _body(
                    self._client.get_object(
                        Bucket=self._bucket, Key=key, Range=f"bytes=0-{size - 1}"
                    )
                )
            except ClientError as error:
                if error_code(error) != "InvalidRange":
                    raise
                return b""  # an empty object has no byte 0

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """Yield the keys under a prefix in order, after one."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, StartAfter=after
        )
        with translated_s3("list", prefix):
            for page in pages:
                for found in page.get("Contents", ()):
                    yield found["Key"]

    def delete(self, keys: list[str]) -> None:
        """Delete objects; missing ones are success."""
        for start in range(0, len(keys), _DELETE_LIMIT):
            some = keys[start : start + _DELETE_LIMIT]
            with translated_s3("delete", some[0]):
                answer = self._client.delete_objects(
                    Bucket=self._bucket,
                    Delete={"Objects": [{"Key": key} for key in some], "Quiet": True},
                )
            for refusal in answer.get("Errors", ()):
                raise Unavailable(f"S3 kept {refusal['Key']}: {refusal['Code']}")


class S3RenditionStore:
    """Finished audio and manifests."""

    def __init__(
        self, client: Any, bucket: str, *, single_put_limit: int = _SINGLE_PUT_LIMIT
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._single_put_limit = single_put_limit

    def put_file(self, key: str, path: str, sha256: str, tags: Mapping[str, str]) -> None:
        """Store a file in constant memory; an equal object that exists is success.

        If another writer stores one between our look and our put, it wins: Unavailable, try again.
        """
        found = self._head(key)
        if _is_same(found, path, sha256):
            return
        facts: dict[str, Any] = {
            "Metadata": {"sha256": sha256},
            "ContentType": naming.content_type(key),
        } | _tagging(tags)
        condition = {"IfMatch": found["ETag"]} if found else {"IfNoneMatch": "*"}
        try:
            if Path(path).stat().st_size <= self._single_put_limit:
                self._put_whole(key, path, facts, condition)
            else:
                self._put_parts(key, path, facts, condition)
        except (PreconditionFailed, NotFound) as error:
            if not _is_same(self._head(key), path, sha256):
                raise Unavailable(f"{key} was replaced meanwhile") from error

    def put_text(self, key: str, text: str, tags: Mapping[str, str]) -> None:
        """Store a manifest; the same text again is success, another text replaces it."""
        body = text.encode()
        crc = crc_text(zlib.crc32(body))
        found = self._head(key)
        if (found.get("ChecksumCRC32"), found.get("ContentLength")) != (crc, len(body)):
            facts = {"ContentType": naming.content_type(key)} | _tagging(tags)
            put_object(self._client, self._bucket, key, body, crc, **facts)

    def get_text(self, key: str) -> str:
        """Return a manifest."""
        with translated_s3("get", key):
            return _body(self._client.get_object(Bucket=self._bucket, Key=key)).decode()

    def size_of(self, key: str) -> int:
        """Return a stored object's size in bytes."""
        with translated_s3("head", key):
            size: int = self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"]
        return size

    def presign(self, key: str, expires_s: int, filename: str) -> str:
        """Return a URL that downloads the object, Range and all, for 300 s at most."""
        url: str = self._client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": key,
                "ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(filename)}",
            },
            ExpiresIn=min(expires_s, _PRESIGN_LIMIT_S),
        )
        return url

    def _head(self, key: str) -> Mapping[str, Any]:
        try:
            return head(self._client, self._bucket, key)
        except NotFound:
            return {}

    def _put_whole(
        self, key: str, path: str, facts: Mapping[str, Any], condition: Mapping[str, str]
    ) -> None:
        with Path(path).open("rb") as body:
            put_object(
                self._client, self._bucket, key, body, crc_of_file(path), **facts, **condition
            )

    def _put_parts(
        self, key: str, path: str, facts: Mapping[str, Any], condition: Mapping[str, str]
    ) -> None:
        where = {"Bucket": self._bucket, "Key": key}
        with translated_s3("put", key):
            upload = self._client.create_multipart_upload(
                **where, ChecksumAlgorithm="CRC32", ChecksumType="COMPOSITE", **facts
            )
        where["UploadId"] = upload["UploadId"]
        try:
            parts = [self._put_part(where, number, body) for number, body in _parts(path)]
            with translated_s3("put", key):
                answer = self._client.complete_multipart_upload(
                    **where, MultipartUpload={"Parts": parts}, **condition
                )
        except TapedeckError:
            self._abort(where)
            raise
        expected = composite([part["ChecksumCRC32"] for part in parts])
        # Each part was compared already; a store that answers nothing here adds nothing.
        compare(key, expected, answer.get("ChecksumCRC32", expected))

    def _put_part(self, where: Mapping[str, str], number: int, body: bytes) -> dict[str, Any]:
        crc = crc_text(zlib.crc32(body))
        with translated_s3("put", where["Key"]):
            answer = self._client.upload_part(
                **where,
                PartNumber=number,
                Body=body,
                ChecksumAlgorithm="CRC32",
                ChecksumCRC32=crc,
            )
        compare(where["Key"], crc, answer.get("ChecksumCRC32", ""))
        return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumCRC32": crc}

    def _abort(self, where: Mapping[str, str]) -> None:
        """Free the parts; where that fails, the bucket's lifecycle rule does."""
        try:
            with translated_s3("abort", where["Key"]):
                self._client.abort_multipart_upload(**where)
        except TapedeckError:
            return


def _body(answer: Mapping[str, Any]) -> bytes:
    body: bytes = answer["Body"].read()
    return body


def _is_same(found: Mapping[str, Any], path: str, sha256: str) -> bool:
    if not found:
        return False
    facts = (found["ContentLength"], found.get("Metadata", {}).get("sha256"))
    if facts != (Path(path).stat().st_size, sha256):
        return False
    stored = found.get("ChecksumCRC32", "")
    # A multipart's parts were each compared before they became an object.
    return not stored or "-" in stored or stored == crc_of_file(path)


def _parts(path: str) -> Iterator[tuple[int, bytes]]:
    with Path(path).open("rb") as body:
        number = 1
        while some := body.read(PART_SIZE):
            yield number, some
            number += 1


def _tagging(tags: Mapping[str, str]) -> dict[str, str]:
    return {"Tagging": urlencode(tags, quote_via=quote)} if tags else {}
