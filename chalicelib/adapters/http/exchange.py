"""One HTTP exchange on an open socket, over by its deadline however slowly the bytes come.

By hand: clients such as requests and httpx resolve the name themselves, and bound each read, not
the whole.
"""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse
from math import inf
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

from chalicelib.ports.values import HttpReply
from chalicelib.security.url_guard import GuardedUrl

MAX_READ = 65_536
"""bytes of an answer, its head included"""
KEPT = 1_024
"""bytes of an answer's body"""
_MAX_RETRY_AFTER_LENGTH = 64

_T = TypeVar("_T")


class Deadline:
    """An end in monotonic time."""

    def __init__(self, after_s: float) -> None:
        self._at = time.monotonic() + after_s

    def left_s(self) -> float:
        """Return the seconds left. Raises TimeoutError when there are none."""
        left_s = self._at - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s


def within(timeout_s: float, ask: Callable[[], _T]) -> _T:
    """Return what a call without a timeout of its own returns. Raises TimeoutError."""
    answers: SimpleQueue[tuple[_T, None] | tuple[None, Exception]] = SimpleQueue()

    def run() -> None:
        try:
            answers.put((ask(), None))
        except Exception as error:  # noqa: BLE001  # raised again where it is waited for
            answers.put((None, error))

    Thread(target=run, daemon=True).start()
    try:
        answer, error = answers.get(timeout=timeout_s)
    except Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return answer  # type: ignore[return-value]  # the pair holds one of the two


class Wire:
    """A socket for http.client: each read and write ends by the deadline.

    `max_read` bounds what is read in all, `idle_s` how long one read or write may take.
    """

    def __init__(
        self,
        sock: socket.socket,
        deadline: Deadline,
        *,
        max_read: float = MAX_READ,
        idle_s: float = inf,
    ) -> None:
        self._sock = sock
        self._deadline = deadline
        self._budget = max_read
        self._idle_s = idle_s

    def sendall(self, octets: bytes) -> None:
        self._wait_at_most()
        self._sock.sendall(octets)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_BoundedReader(self))

    def receive_into(self, buffer: memoryview) -> int:
        if not self._budget:
            raise HTTPException(f"more than {MAX_READ} bytes")
        self._wait_at_most()
        size = self._sock.recv_into(buffer[: int(min(self._budget, len(buffer)))])
        self._budget -= size
        return size

    def close(self) -> None:
        """Leave the socket to its owner."""

    def _wait_at_most(self) -> None:
        self._sock.settimeout(min(self._deadline.left_s(), self._idle_s))


class _BoundedReader(io.RawIOBase):
    """A wire's bytes as a file."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # the stub says Buffer
        return self._wire.receive_into(buffer)


def exchange(
    wire: Wire,
    url: GuardedUrl,
    body: bytes | None,
    headers: Mapping[str, str],
    kept: int = KEPT,
    method: str = "POST",
) -> HttpReply:
    """Send the request and return the answer; the status counts, even where its body breaks off."""
    response = ask(wire, url, method, body, headers)
    return HttpReply(
        status=response.status,
        retry_after=response.getheader("Retry-After", "")[:_MAX_RETRY_AFTER_LENGTH],
        body_head=_read_head(response, kept),
    )


def ask(
    wire: Wire, url: GuardedUrl, method: str, body: bytes | None, headers: Mapping[str, str]
) -> HTTPResponse:
    """Send a request and return the answer, of which the head is read. Raises OSError,
    HTTPException."""
    connection = HTTPConnection(url.host, url.port)
    connection.sock = wire  # it calls three methods of a socket, and the wire has them
    fixed = {
        "Host": url.authority,
        "User-Agent": "Tapedeck",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    connection.request(method, url.target, body, fixed | dict(headers))
    return connection.getresponse()


def _read_head(response: HTTPResponse, kept: int) -> bytes:
    """Return a body's first bytes; read on, so that a receiver isn't cut off in mid-sentence."""
    head = b""
    try:
        while octets := response.read(8_192):
            head = (head + octets)[:kept]
    except (OSError, HTTPException):
        pass  # the answer is there already; its body is only for the history
    return head
