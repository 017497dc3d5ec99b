"""Carriers' calls in real time on raw sockets, and the SIGTERM in their midst.

    python -m trials.stop.carrier '{"port": …, "pid": …}'

Bandwidth's stream has both tracks on a socket, SignalWire's taps have a socket each, RTP taps a
port each. The process that sends is the one that stops the worker, so that it knows what it had
sent by then. Each websocket is answered its close, as carriers do, and says nothing after that.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from bench.ingest_sender import TICK_S, connect
from tests.sink.raw import CLOSE, TEXT, websocket_frame
from tests.sink.rig import start
from trials.stop.frames import Sent, Tick, call_id

SLOTS = 20
"""of a tick: a track speaks in the slot that its number gives"""

CLOSED_WITHIN_S = 30.0
"""by the sink, after SIGTERM"""

Parts = Callable[[Tick, int, int], list[bytes]]


class Way:
    """One socket of a call."""

    def __init__(self, opened: socket.socket, parts: Parts) -> None:
        self.opened = opened
        self.parts = parts
        self.code = 0
        self.is_over = False

    def hear(self) -> None:
        """Read what the sink says: nothing but its close is expected."""
        try:
            said = self.opened.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if said[:1] == b"\x88" and len(said) >= 4:
            self.code = struct.unpack("!H", said[2:4])[0]
            self.opened.send(websocket_frame(CLOSE, said[2:4]))
        self.is_over = True


class Line:
    """One track of a call, on its way."""

    def __init__(self, call: int, carrier: str, track: int, way: Way) -> None:
        self.call, self.carrier, self.track, self.way = call, carrier, track, way
        self.first = -1
        self.sent = 0
        self.at_stop = 0

    def send(self, tick: Tick) -> None:
        """Send one frame, where the way still leads there."""
        way = self.way
        if way.is_over:
            return
        parts = way.parts(tick, self.call, self.track)
        try:
            went = way.opened.sendmsg(parts)
        except (BrokenPipeError, ConnectionError):
            way.is_over = True
            return
        if went != sum(map(len, parts)):
            raise RuntimeError("the sink reads too slowly: a frame was sent in part")
        if self.first < 0:
            self.first = tick.number
        self.sent += 1

    def facts(self) -> Sent:
        """Return what was sent."""
        return Sent(
            call=self.call,
            carrier=self.carrier,
            track=self.track,
            first=self.first,
            at_stop=self.at_stop,
            in_all=self.sent,
            code=self.way.code,
        )


class Exchange:
    """All calls, by the slot in which they speak."""

    def __init__(self, where: dict[str, Any]) -> None:
        self._where = where
        self._slots: list[list[Line]] = [[] for _ in range(SLOTS)]
        self.lines: list[Line] = []
        self.late_s = 0.0

    def begin(self, call: int) -> None:
        """Begin a call: the first are RTP's, then of ten four are SignalWire's."""
        if 2 * call < len(self._where["rtp"]):
            ways = [self._rtp(port) for port in self._where["rtp"][2 * call : 2 * call + 2]]
            self._add(call, "signalwire", ways)
        elif call % 10 < 4:
            ways = [self._tap(call, direction) for direction in ("speak", "listen")]
            self._add(call, "signalwire", ways)
        else:
            self._add(call, "bandwidth", [self._bandwidth(call)] * 2)

    def turn(self, number: int, due_s: float, stops_in: int = -1) -> None:
        """Send one tick of every call; SIGTERM before a slot, where one is named."""
        ticks = [Tick.of(track, number) for track in (0, 1)]
        for slot, lines in enumerate(self._slots):
            wait_s = due_s + slot * TICK_S / SLOTS - time.monotonic()
            if wait_s > 0:
                time.sleep(wait_s)
            self.late_s = max(self.late_s, -wait_s)
            if slot == stops_in:
                self._stop()
            for line in lines:
                line.send(ticks[line.track])

    def _stop(self) -> None:
        for line in self.lines:
            line.at_stop = line.sent
        os.kill(self._where["pid"], signal.SIGTERM)

    def _add(self, call: int, carrier: str, ways: Sequence[Way]) -> None:
        for track, way in enumerate(ways):
            line = Line(call, carrier, track, way)
            self.lines.append(line)
            self._slots[(call * 7 + track * SLOTS // 2) % SLOTS].append(line)

    def _bandwidth(self, call: int) -> Way:
        opened = connect(self._where["port"], f"/bandwidth/{self._where['bandwidth']}")
        opened.send(websocket_frame(TEXT, start(call_id(call), f"s-{call}").encode()))
        return Way(opened, Tick.bandwidth)

    def _tap(self, call: int, direction: str) -> Way:
        path = f"/signalwire-tap/{self._where['tap']}/{call_id(call)}/{direction}"
        return Way(connect(self._where["port"], path), Tick.tap)

    def _rtp(self, port: int) -> Way:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.connect(("127.0.0.1", port))
        opened.setblocking(False)
        return Way(opened, Tick.rtp)


def main(where: dict[str, Any]) -> None:
    """Play the calls, stop the worker, send until it has closed all; tell what was sent."""
    exchange = Exchange(where)
    calls, ramp_s = where["calls"], where["ramp_s"]
    began_s, begun, tick = time.monotonic(), 0, 0
    while tick * TICK_S < ramp_s + where["seconds"]:
        while begun < min(calls, tick * TICK_S / ramp_s * calls):
            exchange.begin(begun)
            begun += 1
        if begun == calls and tick * TICK_S < ramp_s + TICK_S:
            exchange.late_s = 0.0
        exchange.turn(tick, began_s + tick * TICK_S)
        tick += 1
    exchange.turn(tick, began_s + tick * TICK_S, stops_in=where["slot"])
    stopped_s = time.monotonic()
    tell(stopped=stopped_s, late_ms=round(exchange.late_s * 1000))
    hearing = select.epoll()
    ways = {line.way.opened.fileno(): line.way for line in exchange.lines}
    sockets = {number: way for number, way in ways.items() if way.opened.type == socket.SOCK_STREAM}
    for number in sockets:
        hearing.register(number, select.EPOLLIN)
    while time.monotonic() < stopped_s + CLOSED_WITHIN_S and not _all_over(sockets):
        tick += 1
        exchange.turn(tick, began_s + tick * TICK_S)
        for number, _ in hearing.poll(0):
            ways[number].hear()
            if ways[number].is_over:
                hearing.unregister(number)
    tell(lines=[asdict(line.facts()) for line in exchange.lines])


def _all_over(ways: dict[int, Way]) -> bool:
    return all(way.is_over for way in ways.values())


def tell(**facts: object) -> None:
    """Print a line."""
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
