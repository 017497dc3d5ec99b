"""Logs who requested what: one line for each request that a key or a link's token opened, and for
each that was refused (TRUST 5).

A line names the key, not the person: no source address, no token, and of a path only what is an
opaque name. What opens audio is also written into the recording's history, before the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from chalice.app import Request, Response

from chalicelib.api.log import logger, opaque
from chalicelib.ports.values import Requester

_REFUSED = frozenset({401, 403})
_NAMED = {name: name for name in ("recording_id", "call_id", "control_id")} | {"name": "profile"}
"""the parameters of a path that the audit line has, and their names there: the rest are tokens"""

_asker: ContextVar[Requester | None] = ContextVar("asker", default=None)


def begin() -> None:
    """Know nobody yet."""
    _asker.set(None)


def identify(asker: Requester) -> None:
    """Note the requester, once it is authenticated."""
    _asker.set(asker)


def tell(
    action: str,
    parameters: Mapping[str, str],
    answer: object,
    request: Request | None,
) -> None:
    """Write the line, if there is one to write."""
    asker = _asker.get()
    status = answer.status_code if isinstance(answer, Response) else 200
    if asker is None and status not in _REFUSED:
        return
    facts: dict[str, Any] = {"action": action, "status": status, **_named(parameters)}
    if asker is not None:
        facts |= {"account": asker.account, "by": str(asker.by), "key_id": asker.key_id}
    if code := _code(answer):
        facts["code"] = code
    logger.info("Audit", extra={**facts, "request": _request_id(request)})


def _named(parameters: Mapping[str, str]) -> dict[str, str]:
    return {_NAMED[name]: opaque(text) for name, text in parameters.items() if name in _NAMED}


def _code(answer: object) -> str:
    body = answer.body if isinstance(answer, Response) else None
    error = body.get("error") if isinstance(body, dict) else None
    return str(error["code"]) if isinstance(error, dict) else ""


def _request_id(request: Request | None) -> str:
    """Return what API Gateway calls the request; its answer says it in `x-amzn-requestid`."""
    return str(request.context.get("requestId", "")) if request is not None else ""
