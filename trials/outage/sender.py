"""Bandwidth calls on raw sockets, each with frames of its own; see `bench.ingest_sender`.

    python -m trials.outage.sender --port … --path … --calls … --ramp …

A line on its input ends the calls; it prints how many frames each track was sent.
"""

from __future__ import annotations

import argparse
import base64
import select
import socket
import sys
import time

from bench.ingest_sender import CLOSE, SLOTS, STOP, TICK_S, connect, start, tell
from trials.outage.frames import TRACKS, tail, whose


def around(tick: int, track: str) -> tuple[bytes, bytes]:
    """Return a message's frame up to whose payload it is, and the rest of it."""
    payload = base64.b64encode(tail(tick, track)).decode()
    before = f'{{"eventType":"media","sequenceNumber":"{tick}","track":"{track}","payload":"'
    size = len(before) + 4 + len(payload) + 2
    head = b"\x81" + (0x80 | 126).to_bytes() + size.to_bytes(2) + bytes(4)
    return head + before.encode(), f'{payload}"}}'.encode()


class Calls:
    """All calls, by the slot of the tick in which they speak."""

    def __init__(self, port: int, path: str) -> None:
        self._port, self._path = port, path
        self._slots: list[list[tuple[socket.socket, bytes]]] = [[] for _ in range(SLOTS)]
        self._sockets: list[socket.socket] = []
        self._tick = 0
        self.sent: list[int] = []
        """frames of each track of each call"""
        self.late_s = 0.0

    def __len__(self) -> int:
        return len(self._sockets)

    def add(self) -> None:
        """Begin one more."""
        number = len(self._sockets)
        opened = connect(self._port, self._path)
        # Where the sink can't take more, a carrier waits: every frame is sent.
        opened.setblocking(True)
        opened.sendall(start(number))
        self._slots[number * 7 % SLOTS].append((opened, base64.b64encode(whose(number))))
        self._sockets.append(opened)
        self.sent.append(-self._tick)

    def turn(self, due: float) -> None:
        """Send one tick of every call."""
        self._tick += 1
        parts = [around(self._tick, track) for track in TRACKS]
        for slot, calls in enumerate(self._slots):
            wait_s = due + slot * TICK_S / SLOTS - time.monotonic()
            if wait_s > 0:
                time.sleep(wait_s)
            self.late_s = max(self.late_s, -wait_s)
            for opened, own in calls:
                for before, after in parts:
                    opened.sendall(b"".join((before, own, after)))

    def end(self) -> dict[str, int]:
        """Say stop and close, call by call; return the frames of each call's tracks."""
        for opened in self._sockets:
            opened.sendall(STOP)
            opened.sendall(CLOSE)
            time.sleep(1 / len(self._sockets))
        for opened in self._sockets:
            opened.close()
        return {f"c-{number}": sent + self._tick for number, sent in enumerate(self.sent)}


def main() -> None:
    """Send until told to end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--ramp", type=float, required=True)
    given = parser.parse_args()
    calls = Calls(given.port, given.path)
    began = due = time.monotonic()
    while not select.select([sys.stdin], [], [], 0)[0]:
        target = min(given.calls, int((due - began) / given.ramp * given.calls) + 1)
        while len(calls) < target:
            calls.add()
            if len(calls) == given.calls:
                tell(phase="steady")
        calls.turn(due)
        due += TICK_S
    tell(phase="ended", sent=calls.end(), late_ms=round(calls.late_s * 1000))


if __name__ == "__main__":
    main()
