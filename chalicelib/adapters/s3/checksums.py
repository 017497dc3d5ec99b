"""Puts objects into S3 and compares the CRC-32 that S3 stored with the one that was sent."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from chalicelib.adapters.botocore_errors import translated_s3
from chalicelib.errors import Unavailable

_READ_SIZE = 1024 * 1024


def head(client: Any, bucket: str, key: str) -> Mapping[str, Any]:
    """Return S3's facts about an object, including its checksum. Raises NotFound."""
    with translated_s3("head", key):
        found: Mapping[str, Any] = client.head_object(
            Bucket=bucket, Key=key, ChecksumMode="ENABLED"
        )
    return found


def stored_crc(client: Any, bucket: str, key: str) -> str:
    """Return the base64 CRC-32 that S3 keeps of an object; empty if it keeps none."""
    return str(head(client, bucket, key).get("ChecksumCRC32", ""))


def put_object(
    client: Any, bucket: str, key: str, body: bytes | BinaryIO, crc: str, **facts: Any
) -> None:
    """Put a body whose CRC-32 is known, and compare it with the one in the store's answer.

    If the answer has none, ask the store for it. Raises PreconditionFailed, Unavailable.
    """
    with translated_s3("put", key):
        answer = client.put_object(
            Bucket=bucket,
            Key=key,
            Body=body,
            ChecksumAlgorithm="CRC32",
            ChecksumCRC32=crc,
            **facts,
        )
    compare(key, crc, answer.get("ChecksumCRC32") or stored_crc(client, bucket, key))


def crc_text(crc: int) -> str:
    """Return a CRC-32 as S3 writes it: big-endian, base64."""
    return base64.b64encode(struct.pack(">I", crc)).decode()


def composite(crcs: list[str]) -> str:
    """Return S3's checksum of a multipart object: a CRC-32 over its parts' CRC-32s."""
    joined = b"".join(base64.b64decode(crc) for crc in crcs)
    return f"{crc_text(zlib.crc32(joined))}-{len(crcs)}"


def compare(key: str, expected: str, stored: str) -> None:
    """Raise Unavailable if the stored checksum differs from the one that was sent."""
    if expected != stored:
        raise Unavailable(f"S3 stored {key} with checksum {stored or 'none'}, not {expected}")


def crc_of_file(path: str) -> str:
    """Return a file's CRC-32, reading it once in constant memory."""
    crc = 0
    with Path(path).open("rb") as body:
        while some := body.read(_READ_SIZE):
            crc = zlib.crc32(some, crc)
    return crc_text(crc)
