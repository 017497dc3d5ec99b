"""Accepts websockets from carriers, and makes a stream of each one.

Everything is checked before the 101:

| request | answer |
|---|---|
| `GET /healthz` | 200, 503 while the worker stops |
| a path that no dialect has | 404 |
| a token that isn't ours, or expired | 401 |
| a path with an unknown direction, or without a call | 400 |
| headers over 8 KiB | 431 |
| a peer that was disconnected too often for bad messages | 429 with `Retry-After` |
| a worker that is full or stops | 503 |
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from types import MappingProxyType

import msgspec
from picows import (
    WSListener,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)

from chalicelib.carriers import registry
from chalicelib.carriers.contract.stream import StreamDialect
from chalicelib.carriers.contract.stream_limits import StreamLimits
from chalicelib.carriers.contract.stream_path import Route
from chalicelib.errors import CallerError, Forbidden, NotFound, Unauthenticated
from chalicelib.security import tokens
from chalicelib.security.tokens import Claims, TokenKind
from chalicelib.sink.call_registry import CallRegistry
from chalicelib.sink.ingest.live_stream import Opening
from chalicelib.sink.ingest.penalty_box import Peer, PenaltyBox
from chalicelib.sink.ingest.socket_stream import SocketStream
from chalicelib.sink.ingest.unfinished import Unfinished
from chalicelib.sink.ingest.websocket import MessageSocket, listen
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits

HEALTH_PATH = "/healthz"

_STATUS: Sequence[tuple[type[CallerError], HTTPStatus]] = (
    (Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (CallerError, HTTPStatus.BAD_REQUEST),
)

_log = logging.getLogger(__name__)


class Server:
    """Listens for carriers, and answers the load balancer's health checks."""

    def __init__(
        self,
        worker: str,
        call_registry: CallRegistry,
        health: Health,
        token_keys: Callable[[], Sequence[bytes]],
        limits: Limits,
        ports: Callable[[], int] = lambda: 0,
    ) -> None:
        self._worker = worker
        self._call_registry = call_registry
        self._health = health
        self._token_keys = token_keys
        self._limits = limits
        self._ports = ports
        self._penalties = PenaltyBox(limits.faults_at_once, limits.fault_forgiven_s)
        self._unfinished = Unfinished()
        self._is_stopping = False
        self._opened = 0
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; return the port. Raises OSError if it is in use."""
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
        if self._is_stopping or self._call_registry.sockets >= self._limits.sessions:
            reason = "stopping" if self._is_stopping else "full"
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, reason)
        try:
            route = registry.route(path)
            claims = self._verify(route)
            dialect = registry.parser(route)
        except CallerError as error:
            status = next(status for fault, status in _STATUS if isinstance(error, fault))
            return _refusal(status, error.code)
        peer = Peer(claims.account, claims.subject, _address(request))
        wait_s = self._penalties.wait_s(peer, time.monotonic())
        if wait_s:
            return _refusal(HTTPStatus.TOO_MANY_REQUESTS, "too_many_faults", math.ceil(wait_s))
        _normalize_upgrade(request)
        session = self._session(route, claims, dialect)
        socket = MessageSocket(
            session,
            lambda: self._penalties.penalize(peer, time.monotonic()),
            self._unfinished,
            dialect.limits.message_bytes,
        )
        return _accepted(request, socket, dialect.limits)

    def _verify(self, route: Route) -> Claims:
        """Return the claims of a path's token. Raises Unauthenticated."""
        return tokens.verify(self._token_keys(), route.token, TokenKind.PROFILE, datetime.now(UTC))

    def _session(self, route: Route, claims: Claims, dialect: StreamDialect) -> SocketStream:
        self._opened += 1
        factory = registry.stream(route.dialect)
        opening = Opening(
            account=claims.account,
            profile=claims.subject,
            carrier=registry.carrier_of(route.dialect),
            dialect=dialect.name,
            stream_key=f"{self._worker}-{self._opened}",
            tells_digits=factory.tells_digits,
        )
        return SocketStream(
            opening, dialect, self._call_registry, self._limits, can_play=factory.plays
        )

    def _health_answer(self) -> WSUpgradeResponseWithListener:
        facts = {
            "status": "stopping" if self._is_stopping else "ok",
            "worker": self._worker,
            "calls": self._call_registry.calls,
            "sockets": self._call_registry.sockets,
            "rtp_ports": self._ports(),
            "degraded": self._health.degraded,
        }
        status = HTTPStatus.SERVICE_UNAVAILABLE if self._is_stopping else HTTPStatus.OK
        return _response(status, facts)


def _size(request: WSUpgradeRequest) -> int:
    return len(request.path) + sum(
        len(name) + len(value) + 4 for name, value in request.headers.items()
    )


def _normalize_upgrade(request: WSUpgradeRequest) -> None:
    """Reduce `Connection: keep-alive, Upgrade` to what the websocket parser accepts."""
    words = request.headers.get("Connection", "").lower()
    if "upgrade" in (word.strip() for word in words.split(",")):
        request.headers["Connection"] = "Upgrade"


def _accepted(
    request: WSUpgradeRequest, socket: MessageSocket, limits: StreamLimits
) -> WSListener | WSUpgradeResponseWithListener:
    """Return the socket, with the sub-protocol that it was offered where its dialect has one."""
    named = limits.subprotocol(request.headers.get("Sec-WebSocket-Protocol", ""))
    if not named:
        return socket
    response = WSUpgradeResponse.create_101_response({"Sec-WebSocket-Protocol": named})
    return WSUpgradeResponseWithListener(response, socket)


def _address(request: WSUpgradeRequest) -> str:
    """Return the peer's address: the load balancer adds it behind what the client wrote."""
    return str(request.headers.get("X-Forwarded-For", "")).rpartition(",")[2].strip()


def _refusal(
    status: HTTPStatus, code: str, retry_after_s: int = 0
) -> WSUpgradeResponseWithListener:
    _log.info("a socket was refused", extra={"status": int(status), "code": code})
    again = {"Retry-After": str(retry_after_s)} if retry_after_s else {}
    return _response(status, {"error": {"code": code, "message": status.phrase}}, again)


def _response(
    status: HTTPStatus, content: object, more: Mapping[str, str] = MappingProxyType({})
) -> WSUpgradeResponseWithListener:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store", **more}
    body = msgspec.json.encode(content)
    if status < HTTPStatus.BAD_REQUEST:
        response = WSUpgradeResponse.create_ok_response(body, headers)
    else:
        response = WSUpgradeResponse.create_error_response(status, body, headers)
    return WSUpgradeResponseWithListener(response, None)
