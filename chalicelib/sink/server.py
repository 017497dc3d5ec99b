"""The sink's door: who may open a socket, and what it becomes. Everything is proved before the 101.

| request | answer |
|---|---|
| `GET /healthz` | 200, 503 while the worker stops |
| a path that no dialect has | 404 |
| a token that isn't ours, or expired | 401 |
| a path whose call or direction names nothing | 400 |
| headers over 8 KiB | 431 |
| a worker that is full or stops | 503 |
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from http import HTTPStatus

import msgspec
from picows import (
    WSListener,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)

from chalicelib import tokens
from chalicelib.dialects.streams import registry
from chalicelib.errors import CallerError, Forbidden, NotFound, Unauthenticated
from chalicelib.sink.health import Health
from chalicelib.sink.hub import Hub
from chalicelib.sink.limits import Limits
from chalicelib.sink.live_stream import Opening
from chalicelib.sink.stream import Stream
from chalicelib.sink.websocket import MessageSocket, listen
from chalicelib.tokens import TokenKind

HEALTH_PATH = "/healthz"

_STATUS: Sequence[tuple[type[CallerError], HTTPStatus]] = (
    (Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (CallerError, HTTPStatus.BAD_REQUEST),
)

_log = logging.getLogger(__name__)


class Server:
    """Listens; makes a stream of each socket that may have one."""

    def __init__(
        self,
        worker: str,
        hub: Hub,
        health: Health,
        token_keys: Callable[[], Sequence[bytes]],
        limits: Limits,
        ports: Callable[[], int] = lambda: 0,
    ) -> None:
        self._worker = worker
        self._hub = hub
        self._health = health
        self._token_keys = token_keys
        self._limits = limits
        self._ports = ports
        self._is_stopping = False
        self._opened = 0
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; return the port. Raises OSError where it is taken."""
        self._server = await listen(self._answer, host, port, self._limits)
        return int(self._server.sockets[0].getsockname()[1])

    def refuse_more(self) -> None:
        """Answer 503 from now on, to carriers and to the load balancer."""
        self._is_stopping = True

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def _answer(self, request: WSUpgradeRequest) -> WSListener | WSUpgradeResponseWithListener:
        path = request.path.decode("ascii", "replace")
        if path == HEALTH_PATH:
            return self._health_answer()
        if _size(request) > self._limits.request_bytes:
            return _refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large")
        if self._is_stopping:
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "stopping")
        if self._hub.sockets >= self._limits.sessions:
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "full")
        try:
            session = self._session(path)
        except CallerError as error:
            status = next(status for fault, status in _STATUS if isinstance(error, fault))
            return _refusal(status, error.code)
        _name_the_upgrade(request)
        return MessageSocket(session)

    def _session(self, path: str) -> Stream:
        """Prove the token, then read the path. Raises CallerError."""
        route = registry.route(path)
        claims = tokens.verify(
            self._token_keys(), route.token, TokenKind.PROFILE, datetime.now(UTC)
        )
        dialect = registry.dialect(route)
        self._opened += 1
        row = registry.ROWS[route.dialect]
        opening = Opening(
            account=claims.account,
            profile=claims.subject,
            carrier=registry.carrier(route.dialect),
            dialect=dialect.name,
            stream_key=f"{self._worker}-{self._opened}",
            tells_digits=row.tells_digits,
        )
        return Stream(opening, dialect, self._hub, self._limits, row.playing)

    def _health_answer(self) -> WSUpgradeResponseWithListener:
        facts = {
            "status": "stopping" if self._is_stopping else "ok",
            "worker": self._worker,
            "calls": self._hub.calls,
            "sockets": self._hub.sockets,
            "rtp_ports": self._ports(),
            "degraded": self._health.degraded,
        }
        status = HTTPStatus.SERVICE_UNAVAILABLE if self._is_stopping else HTTPStatus.OK
        return _response(status, facts)


def _size(request: WSUpgradeRequest) -> int:
    return len(request.path) + sum(
        len(name) + len(value) + 4 for name, value in request.headers.items()
    )


def _name_the_upgrade(request: WSUpgradeRequest) -> None:
    """Spell `Connection: keep-alive, Upgrade` as the parser below wants it."""
    words = request.headers.get("Connection", "").lower()
    if "upgrade" in (word.strip() for word in words.split(",")):
        request.headers["Connection"] = "Upgrade"


def _refusal(status: HTTPStatus, code: str) -> WSUpgradeResponseWithListener:
    _log.info("a socket was refused", extra={"status": int(status), "code": code})
    return _response(status, {"error": {"code": code, "message": status.phrase}})


def _response(status: HTTPStatus, content: object) -> WSUpgradeResponseWithListener:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    body = msgspec.json.encode(content)
    if status < HTTPStatus.BAD_REQUEST:
        response = WSUpgradeResponse.create_ok_response(body, headers)
    else:
        response = WSUpgradeResponse.create_error_response(status, body, headers)
    return WSUpgradeResponseWithListener(response, None)
