"""Attackers that take their time. Each has a good reason to hope that somebody waits for them."""

from __future__ import annotations

import asyncio
import contextlib
import time

from chalicelib.sink.ingest.websocket import CLOSE_WAIT_S
from tests.sink.raw import Raw
from trials.attack.report import Outcome
from trials.attack.target import LIMITS, Target, seconds_until_cut

SLACK_S = 1.0
"""of two busy cores"""
PACE_S = 0.4


async def slowloris(target: Target, number: int = 200) -> Outcome:
    """Send a request a byte at a time, half of them a header for ever, half nothing at all."""
    raws = [await target.connect() for _ in range(number)]
    request = b"GET /bandwidth/x HTTP/1.1\r\nX-Header: "
    lives_s = await asyncio.gather(
        *(_drip(raw, request if order % 2 else b"") for order, raw in enumerate(raws))
    )
    return _judge(lives_s, LIMITS.handshake_within_s, "connections without a whole request")


async def slow_start(target: Target, number: int = 50) -> Outcome:
    """Send the first message a byte at a time."""
    raws = [await target.enter() for _ in range(number)]
    lives_s = await asyncio.gather(*(_drip(raw, b"\x81\xfd\x00\x00\x00\x00{") for raw in raws))
    within_s = LIMITS.start_within_s + CLOSE_WAIT_S
    return _judge(lives_s, within_s, "streams without a start, nor an answer to the close")


async def silent(target: Target, number: int = 20) -> Outcome:
    """Start a call, then say nothing and answer no ping."""
    raws = [await target.stream(f"silent-{order}") for order in range(number)]
    within_s = LIMITS.ping_after_s + LIMITS.pong_within_s
    lives_s = await asyncio.gather(*(seconds_until_cut(raw, within_s + 10) for raw in raws))
    _end(raws)
    return _judge(lives_s, within_s + CLOSE_WAIT_S, "calls that answer no ping")


async def idle(target: Target, number: int = 1000) -> Outcome:
    """Connect and say nothing: a thousand times before the request."""
    raws = [await target.connect() for _ in range(number)]
    within_s = LIMITS.handshake_within_s
    lives_s = await asyncio.gather(*(seconds_until_cut(raw, within_s + 5) for raw in raws))
    _end(raws)
    return _judge(lives_s, within_s, "connections that say nothing")


async def crowd(target: Target) -> Outcome:
    """Open as many idle taps as a worker takes, and 50 more."""
    raws, refused = [], 0
    for order in range(LIMITS.sessions + 50):
        raw = await target.connect()
        raws.append(raw)
        refused += await raw.ask(target.tap_path(f"idle-{order}")) == 503
    await asyncio.sleep(1)
    _end(raws)
    faults = () if refused >= 50 else ("more sessions than a worker takes",)
    return Outcome(facts=f"{len(raws)} idle taps, {refused} of them 503", faults=faults)


async def _drip(raw: Raw, first: bytes) -> float:
    """Send one byte after the other until the connection is cut; return how long that took."""
    began = time.monotonic()
    sender = asyncio.create_task(_send_slowly(raw, first)) if first else None
    await seconds_until_cut(raw, 20)
    if sender is not None:
        sender.cancel()
    raw.abort()
    return time.monotonic() - began


async def _send_slowly(raw: Raw, first: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        for byte in first + b"a" * 100:
            raw.send(bytes([byte]))
            await raw.writer.drain()
            await asyncio.sleep(PACE_S)


def _end(raws: list[Raw]) -> None:
    for raw in raws:
        raw.abort()


def _judge(lives_s: list[float], within_s: float, who: str) -> Outcome:
    longest_s = max(lives_s)
    late = longest_s > within_s + SLACK_S
    return Outcome(
        facts=f"{len(lives_s)} {who}, the last cut after {longest_s:.1f} s",
        faults=(f"cut later than {within_s:.0f} s",) if late else (),
    )
