"""One HTTP exchange on an open socket, over by its deadline however slowly the bytes come."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

from chalicelib.ports import Reply
from chalicelib.url_guard import GuardedUrl

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
    """What http.client sees of a socket: each read and write ends by the deadline."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def sendall(self, octets: bytes) -> None:
        self._sock.settimeout(self._deadline.left_s())
        self._sock.sendall(octets)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_BoundedReader(self._sock, self._deadline))

    def close(self) -> None:
        """Leave the socket to its owner."""


class _BoundedReader(io.RawIOBase):
    """A socket's bytes until the deadline, and no more than `MAX_READ`."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline
        self._budget = MAX_READ

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # the stub says Buffer
        if not self._budget:
            raise HTTPException(f"more than {MAX_READ} bytes")
        self._sock.settimeout(self._deadline.left_s())
        size = self._sock.recv_into(buffer[: self._budget])
        self._budget -= size
        return size


def exchange(wire: Wire, url: GuardedUrl, body: bytes, headers: Mapping[str, str]) -> Reply:
    """Send the request and return the answer; the status counts, even where its body breaks off."""
    connection = HTTPConnection(url.host, url.port)
    connection.sock = wire  # it calls three methods of a socket, and the wire has them
    fixed = {
        "Host": url.authority,
        "User-Agent": "Tapedeck",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    connection.request("POST", url.target, body, fixed | dict(headers))
    response = connection.getresponse()
    return Reply(
        status=response.status,
        retry_after=response.getheader("Retry-After", "")[:_MAX_RETRY_AFTER_LENGTH],
        body_head=_read_head(response),
    )


def _read_head(response: HTTPResponse) -> bytes:
    """Return the first KB of a body; read on, so that a receiver isn't cut off in mid-sentence."""
    head = b""
    try:
        while octets := response.read(8_192):
            head = (head + octets)[:KEPT]
    except (OSError, HTTPException):
        pass  # the answer is there already; its body is only for the history
    return head
