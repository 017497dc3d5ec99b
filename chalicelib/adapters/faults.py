"""botocore's errors in our words: translated once, here, for every AWS adapter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
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

_SILENCES = (ConnectionError, CredentialRetrievalError, HTTPClientError, NoCredentialsError)


@contextmanager
def translated(what: str, *, missing: frozenset[str] = frozenset()) -> Iterator[None]:
    """Run an AWS call; `what` names it in messages, `missing` holds the codes that mean NotFound.

    Raises PreconditionFailed, NotFound, TapedeckError for a request that can't be right, and
    Unavailable for everything else: throttling, timeouts, connections, the service's own failures.
    """
    try:
        yield
    except ClientError as error:
        raise _in_our_words(error, what, missing) from error
    except _SILENCES as error:
        raise Unavailable(f"{what}: {type(error).__name__}") from error


def _in_our_words(error: ClientError, what: str, missing: frozenset[str]) -> TapedeckError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in missing:
        return NotFound(f"{what}: {code}")
    if code in _LOST_RACES or _is_lost_transaction(error, code):
        return PreconditionFailed(f"{what}: {code}")
    if code in _OUR_MISTAKES:
        return TapedeckError(f"{what}: {error}")
    return Unavailable(f"{what}: {code}")


def _is_lost_transaction(error: ClientError, code: str) -> bool:
    return code == "TransactionCanceledException" and "ConditionalCheckFailed" in reasons(error)


def reasons(error: ClientError) -> list[str]:
    """Return why each part of a cancelled transaction failed, in their order; `None`: it didn't."""
    return [str(reason.get("Code")) for reason in error.response.get("CancellationReasons", [])]
