"""Where the SDK's words end: its exceptions become ours, its checksums are compared."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import NotFound, PreconditionFailed, TapedeckError, Unavailable

_READ_SIZE = 1024 * 1024


@contextmanager
def border(verb: str, key: str) -> Iterator[None]:
    """Turn the SDK's exceptions into NotFound, PreconditionFailed or Unavailable."""
    try:
        yield
    except ClientError as error:
        raise _translated(error, verb, key) from error
    except BotoCoreError as error:
        raise Unavailable(f"S3 {verb} {key}: {error}") from error


def _translated(error: ClientError, verb: str, key: str) -> TapedeckError:
    code = code_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    fact = f"S3 {verb} {key}: {code}"
    if status == 412:
        return PreconditionFailed(fact)
    if status == 404 and code != "NoSuchBucket":
        return NotFound(fact)
    return Unavailable(fact)


def code_of(error: ClientError) -> str:
    """Return the error code that S3 gave."""
    return str(error.response.get("Error", {}).get("Code", ""))


def head(client: Any, bucket: str, key: str) -> Mapping[str, Any]:
    """Return what S3 says of an object, its checksum among it. Raises NotFound."""
    with border("head", key):
        found: Mapping[str, Any] = client.head_object(
            Bucket=bucket, Key=key, ChecksumMode="ENABLED"
        )
    return found


def stored_crc(client: Any, bucket: str, key: str) -> str:
    """Return the CRC-32 that S3 keeps of an object, base64; empty where it keeps none."""
    return str(head(client, bucket, key).get("ChecksumCRC32", ""))


def put_object(
    client: Any, bucket: str, key: str, body: bytes | BinaryIO, crc: str, **facts: Any
) -> None:
    """Put a body whose CRC-32 is known, and compare the one that the store answers.

    A store that answers none is asked for it. Raises PreconditionFailed, Unavailable.
    """
    with border("put", key):
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
    """Return what S3 says of a multipart object: the CRC-32 of its parts' CRC-32s, their number."""
    joined = b"".join(base64.b64decode(crc) for crc in crcs)
    return f"{crc_text(zlib.crc32(joined))}-{len(crcs)}"


def compare(key: str, expected: str, stored: str) -> None:
    """Raise Unavailable where the store has another checksum than what was sent."""
    if expected != stored:
        raise Unavailable(f"S3 stored {key} with checksum {stored or 'none'}, not {expected}")


def crc_of_file(path: str) -> str:
    """Return a file's CRC-32, read once in constant memory."""
    crc = 0
    with Path(path).open("rb") as body:
        while some := body.read(_READ_SIZE):
            crc = zlib.crc32(some, crc)
    return crc_text(crc)
