"""Translates botocore's errors into ours: once, here, for every AWS adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  # botocore's name; nothing here needs Python's
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
)

from chalicelib.errors import NotFound, PreconditionFailed, TapedeckError, Unavailable

_LOST_RACES = frozenset({"ConditionalCheckFailedException", "PreconditionFailed"})

_OUR_MISTAKES = frozenset(
    {"ValidationException", "ValidationError", "SerializationException", "InvalidArn"}
)
"""Requests that would fail the same way tomorrow"""

_NO_ANSWER = (ConnectionError, CredentialRetrievalError, HTTPClientError, NoCredentialsError)


@contextmanager
def translated(what: str, *, missing: frozenset[str] = frozenset()) -> Iterator[None]:
    """Run an AWS call; `what` names it in messages, `missing` holds the codes that mean NotFound.

    Raises PreconditionFailed, NotFound, TapedeckError for a request that can't be right, and
    Unavailable for everything else: throttling, timeouts, connections, the service's own failures.
    """
    try:
        yield
    except ClientError as error:
        raise _by_code(error, what, missing) from error
    except _NO_ANSWER as error:
        raise Unavailable(f"{what}: {type(error).__name__}") from error


@contextmanager
def translated_s3(verb: str, key: str) -> Iterator[None]:
    """Run a call of S3, whose HEAD answers carry a status and no code.

    Raises PreconditionFailed, NotFound, and Unavailable for everything else.
    """
    what = f"S3 {verb} {key}"
    try:
        yield
    except ClientError as error:
        raise _by_status(error)(f"{what}: {error_code(error)}") from error
    except BotoCoreError as error:
        raise Unavailable(f"{what}: {error}") from error


def error_code(error: ClientError) -> str:
    """Return the code that AWS gave; empty if it gave none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def reasons(error: ClientError) -> list[str]:
    """Return why each part of a cancelled transaction failed; `None` for a part that did not."""
    return [str(reason.get("Code")) for reason in error.response.get("CancellationReasons", [])]


def _by_code(error: ClientError, what: str, missing: frozenset[str]) -> TapedeckError:
    code = error_code(error)
    if code in missing:
        return NotFound(f"{what}: {code}")
    if code in _LOST_RACES or _is_lost_transaction(error, code):
        return PreconditionFailed(f"{what}: {code}")
    if code in _OUR_MISTAKES:
        return TapedeckError(f"{what}: {error}")
    return Unavailable(f"{what}: {code}")


def _by_status(error: ClientError) -> Callable[[str], TapedeckError]:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if status == 412:
        return PreconditionFailed
    if status == 404 and error_code(error) != "NoSuchBucket":
        return NotFound
    return Unavailable


def _is_lost_transaction(error: ClientError, code: str) -> bool:
    return code == "TransactionCanceledException" and "ConditionalCheckFailed" in reasons(error)
