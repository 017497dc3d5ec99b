"""The shorter form of `make trial NAME=outage`: small bounds, and as fast as it goes."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection

from tests.sink.raw import Raw
from tests.sink.rig import QUICK, STOP, Rig, run, start, until
from trials.outage import frames
from trials.outage.frames import FRAME_BYTES, TRACKS
from trials.outage.judge import Judge

CALLS = 8
TURN = 25
"""frames of each track between two looks"""
LIMITS = replace(
    QUICK,
    segment_every_s=0.1,
    metrics_every_s=0.05,
    held_bytes=120_000,
    journal_puts=1,
    stop_within_s=20.0,
)


class Calls:
    """Calls that send frames of which each is another."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._sockets: list[ClientConnection] = []
        self.sent = 0
        """frames of each track of each call"""

    async def begin(self, stack: AsyncExitStack) -> None:
        """Open all sockets."""
        for call in range(CALLS):
            socket = await stack.enter_async_context(self._rig.bandwidth())
            await socket.send(start(f"c-{call}", f"s-{call}"))
            self._sockets.append(socket)

    async def talk(self, turns: int) -> None:
        """Send some frames of each track, let segments come due, and again."""
        for _ in range(turns):
            for _ in range(TURN):
                self.sent += 1
                for call, socket in enumerate(self._sockets):
                    for track in TRACKS:
                        await socket.send(_message(call, self.sent, track))
            await asyncio.sleep(0.02)

    async def hang_up(self) -> None:
        """Say stop."""
        for socket in self._sockets:
            await socket.send(STOP)
        await until(lambda: len(self._rig.control.closed) == CALLS, 20)


def _message(call: int, tick: int, track: str) -> str:
    payload = base64.b64encode(frames.whose(call) + frames.tail(tick, track)).decode()
    said = {"eventType": "media", "sequenceNumber": str(tick), "track": track, "payload": payload}
    return json.dumps(said)


async def degraded(rig: Rig) -> str:
    """Return what /healthz says."""
    raw = await Raw.connect(rig.port)
    raw.send(b"GET /healthz HTTP/1.1\r\nHost: sink\r\nConnection: close\r\n\r\n")
    body = (await raw.reader.read()).partition(b"\r\n\r\n")[2]
    raw.abort()
    return str(json.loads(body)["degraded"])


def judged(rig: Rig) -> Judge:
    """Return what a judge says of all objects, in the order in which they were put."""
    judge = Judge()
    for key, body in rig.store.objects.items():
        judge.take(key, body)
    return judge


def told(caplog: pytest.LogCaptureFixture, name: str) -> list[int]:
    """Return a metric's values, as they were told."""
    return [getattr(line, name) for line in caplog.records if hasattr(line, "_aws")]


def test_what_comes_while_the_store_is_away_is_stored_afterwards(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """From memory and from disk, in order, bit for bit; health and metrics say degraded meanwhile,
    and don't when it is over."""
    caplog.set_level(logging.INFO)

    async def scenario() -> None:
        async with Rig(limits=LIMITS, spool_dir=tmp_path).running() as rig, AsyncExitStack() as up:
            calls = Calls(rig)
            await calls.begin(up)
            await calls.talk(2)
            rig.store.is_away = True
            await calls.talk(10)
            await until(lambda: rig.sink.spool.disk_bytes)
            assert "spool: on_disk" in await degraded(rig)
            held = rig.sink.spool.memory_bytes
            assert held <= LIMITS.held_bytes
            rig.store.is_away = False
            await calls.talk(2)
            await calls.hang_up()
            # A journal put may still wait for its next try: calls end without it.
            await until(lambda: not rig.sink.health.is_any_degraded)
            assert "" == await degraded(rig)
            judge = judged(rig)
            assert [] == judge.faults
            whole = {
                f"main/bandwidth/c-{call} {track}": [calls.sent, 0]
                for call in range(CALLS)
                for track in TRACKS
            }
            assert whole == judge.totals()["tracks"]

    run(scenario)
    assert {0, 1} == set(told(caplog, "Degraded"))
    assert 0 < max(told(caplog, "WaitingBytes"))
    assert 0 == sum(told(caplog, "LostBytes"))


def test_what_has_no_room_anywhere_is_told_to_the_sample(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The disk's bound and the memory's are reached: what is lost stands in segments without
    payload and in LostBytes, and what is stored is right."""
    caplog.set_level(logging.INFO)

    async def scenario() -> None:
        limits = replace(LIMITS, spool_bytes=150_000)
        async with Rig(limits=limits, spool_dir=tmp_path).running() as rig, AsyncExitStack() as up:
            calls = Calls(rig)
            await calls.begin(up)
            rig.store.is_away = True
            await calls.talk(16)
            await until(lambda: rig.sink.health.lost, 20)
            assert "dropped" in await degraded(rig)
            rig.store.is_away = False
            await until(lambda: not rig.sink.spool.disk_bytes, 20)
            await calls.talk(2)
            await calls.hang_up()
            judge = judged(rig)
            assert [] == judge.faults
            found = dict(judge.totals()["tracks"])  # type: ignore[call-overload]
            assert {calls.sent} == {stored + lost for stored, lost in found.values()}
            lost = sum(lost for _, lost in found.values())
            assert lost * FRAME_BYTES == rig.sink.health.lost.total()

    run(scenario)
    assert 0 < sum(told(caplog, "LostBytes"))
    assert 1 in told(caplog, "Degraded")
