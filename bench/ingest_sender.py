"""Bandwidth calls on raw sockets: two tracks, 50 messages a second each, each its own send.

Frames are made once per 20 ms and shared by all calls (a zero mask leaves the payload as it is), so
that the sender costs little more than its system calls and fits on one core with the store.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import socket
import struct
import sys
import time
from collections.abc import Callable

TICK_S = 0.020
SLOTS = 20
"""of a tick: a call's tracks speak in the slots that its number gives"""

Send = Callable[[bytes], int]


def frame(text: str) -> bytes:
    """Return a masked text frame; the mask is zero."""
    body = text.encode()
    size = len(body)
    length = struct.pack("!B", 0x80 | size) if size < 126 else struct.pack("!BH", 0x80 | 126, size)
    return b"\x81" + length + bytes(4) + body


def start(call: int) -> bytes:
    """Return a call's start."""
    media_format = {"encoding": "PCMU", "sampleRate": 8000}
    tracks = [{"name": name, "mediaFormat": media_format} for name in ("inbound", "outbound")]
    metadata = {"accountId": "5", "callId": f"c-{call}", "streamId": f"s-{call}", "tracks": tracks}
    return frame(json.dumps({"eventType": "start", "metadata": metadata}))


def media(number: int, track: str) -> bytes:
    """Return a track's message of one tick."""
    payload = base64.b64encode(random.randbytes(160)).decode()
    message = {
        "eventType": "media",
        "sequenceNumber": str(number),
        "track": track,
        "payload": payload,
    }
    return frame(json.dumps(message, separators=(",", ":")))


STOP = frame(json.dumps({"eventType": "stop", "metadata": {}}))
CLOSE = b"\x88\x82" + bytes(4) + struct.pack("!H", 1000)


def connect(port: int, path: str) -> socket.socket:
    """Return a socket after its handshake."""
    opened = socket.create_connection(("127.0.0.1", port))
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    key = base64.b64encode(os.urandom(16)).decode()
    opened.sendall(
        f"GET {path} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += opened.recv(4096)
    if b" 101 " not in answer:
        raise ConnectionError(answer.split(b"\r\n")[0].decode())
    opened.setblocking(False)
    return opened


class Wheel:
    """All calls' sends by the slot of the tick in which they speak."""

    def __init__(self, port: int, path: str, together: int) -> None:
        self._port, self._path, self._together = port, path, together
        self._inbound: list[list[Send]] = [[] for _ in range(SLOTS)]
        self._outbound: list[list[Send]] = [[] for _ in range(SLOTS)]
        self._sockets: list[socket.socket] = []
        self._number = 0
        self.sent = 0
        self.blocked = 0
        self.late_s = 0.0

    @property
    def calls(self) -> int:
        """Count calls."""
        return len(self._sockets)

    def add(self) -> None:
        """Begin one more call."""
        opened = connect(self._port, self._path)
        opened.send(start(self.calls))
        slot = self.calls * 7 % SLOTS
        self._inbound[slot].append(opened.send)
        self._outbound[slot if self._together else (slot + SLOTS // 2) % SLOTS].append(opened.send)
        self._sockets.append(opened)

    def turn(self, due: float) -> None:
        """Send one tick of every call."""
        self._number += 1
        inbound, outbound = media(self._number, "inbound"), media(self._number, "outbound")
        for slot in range(SLOTS):
            wait_s = due + slot * TICK_S / SLOTS - time.monotonic()
            if wait_s > 0:
                time.sleep(wait_s)
            self.late_s = max(self.late_s, -wait_s)
            for send in self._inbound[slot]:
                self._send(send, inbound)
            for send in self._outbound[slot]:
                self._send(send, outbound)

    def _send(self, send: Send, message: bytes) -> None:
        try:
            self.sent += send(message) == len(message)
        except BlockingIOError:
            self.blocked += 1

    def end(self) -> None:
        """Say stop and close, call by call."""
        for opened in self._sockets:
            opened.send(STOP)
            opened.send(CLOSE)
            time.sleep(1 / len(self._sockets))
        for opened in self._sockets:
            opened.close()


def main() -> None:
    """Send; print a JSON line at each phase, and go on when a line comes back."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--ramp", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--together", type=int, default=0)
    given = parser.parse_args()
    wheel = Wheel(given.port, given.path, given.together)
    began = due = time.monotonic()
    while wheel.calls < given.calls or due < began + given.ramp:
        target = min(given.calls, int((due - began) / max(given.ramp, 0.02) * given.calls) + 1)
        while wheel.calls < target:
            wheel.add()
        wheel.turn(due)
        due += TICK_S
    wheel.late_s = 0.0
    tell(phase="steady", sent=wheel.sent)
    until = due + given.seconds
    while due < until:
        wheel.turn(due)
        due += TICK_S
    tell(phase="over", sent=wheel.sent, late_ms=round(wheel.late_s * 1000), blocked=wheel.blocked)
    sys.stdin.readline()
    wheel.end()
    tell(phase="ended", sent=wheel.sent)


def tell(**facts: object) -> None:
    """Print a line."""
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main()
