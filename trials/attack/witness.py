"""An honest call that goes on while others attack: what it says must all be stored."""

from __future__ import annotations

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.sink.raw import CLOSE, PING, PONG, TEXT, Raw, websocket_frame
from tests.sink.rig import STOP, media
from trials.attack.target import Target

TICK_S = 0.020
LOOK_EVERY_S = 0.1


@dataclass
class Witness:
    """What was sent, and how long the door's health answer took each time."""

    sent: int = 0
    answers_s: list[float] = field(default_factory=list)

    @property
    def slowest_ms(self) -> int:
        """Return the longest that somebody else had to wait since the list was cleared."""
        return round(max(self.answers_s, default=0.0) * 1000)


@asynccontextmanager
async def witness(target: Target) -> AsyncIterator[Witness]:
    """Speak while the block runs, then end the call as a carrier does."""
    said = Witness()
    raw = await target.stream("witness")
    tasks = [
        asyncio.create_task(_speak(raw, said)),
        asyncio.create_task(_pong(raw)),
        asyncio.create_task(_look(target, said)),
    ]
    try:
        yield said
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raw.send(websocket_frame(TEXT, STOP.encode()))
        raw.send(websocket_frame(CLOSE, b"\x03\xe8"))
        await raw.writer.drain()


async def _speak(raw: Raw, said: Witness) -> None:
    began = time.monotonic()
    while True:
        number = said.sent // 2 + 1
        for track in ("inbound", "outbound"):
            raw.send(websocket_frame(TEXT, media(number, track).encode()))
        said.sent += 2
        await asyncio.sleep(max(0.0, began + number * TICK_S - time.monotonic()))


async def _pong(raw: Raw) -> None:
    while True:
        opcode, payload = await raw.frame()
        if opcode == PING:
            raw.send(websocket_frame(PONG, payload))


async def _look(target: Target, said: Witness) -> None:
    while True:
        began = time.monotonic()
        await asyncio.to_thread(_health, target.port)
        said.answers_s.append(time.monotonic() - began)
        await asyncio.sleep(LOOK_EVERY_S)


def _health(port: int) -> None:
    """Ask for the health; 503 is an answer too."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            answer.read()
    except (OSError, urllib.error.HTTPError):
        pass
