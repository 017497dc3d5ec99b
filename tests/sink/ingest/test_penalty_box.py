"""Who was cut for what it sent waits before it may come in again."""

from __future__ import annotations

import asyncio
import json

from chalicelib.sink.ingest.penalty_box import KNOWN_MAX, Peer, PenaltyBox
from tests.sink.raw import BINARY, CONTINUATION, TEXT, Raw, websocket_frame
from tests.sink.rig import Rig, media, run, start, token

PEER, OTHER = Peer("main", "front", "198.51.100.7"), Peer("main", "front", "192.0.2.9")
LOOSE = websocket_frame(CONTINUATION, b"of nothing")
"""closed with 1002"""


def test_some_faults_are_forgiven_at_once() -> None:
    """Then one each three seconds, and everybody has their own."""

    penalties = PenaltyBox(at_once=2, forgiven_s=3.0)

    for waits_s in (0.0, 0.0, 3.0):
        assert waits_s == penalties.wait_s(PEER, 10.0)
        penalties.penalize(PEER, 10.0)

    assert (6.0, 3.0, 0.0) == tuple(penalties.wait_s(PEER, now) for now in (10.0, 13.0, 16.0))
    assert 0 == penalties.wait_s(OTHER, 10.0)
    penalties.penalize(PEER, 16.0)
    assert 3.0 == penalties.wait_s(PEER, 16.0)
    assert 0 == penalties.wait_s(PEER, 1000.0)


def test_memory_has_an_end() -> None:
    """Who was to blame longest ago is forgotten."""

    penalties = PenaltyBox(at_once=1, forgiven_s=3.0)
    penalties.penalize(PEER, 0.0)
    for number in range(KNOWN_MAX - 1):
        penalties.penalize(Peer("main", "front", str(number)), 0.0)
    assert 3.0 == penalties.wait_s(PEER, 0.0)

    penalties.penalize(OTHER, 0.0)

    assert (0, 3.0) == (penalties.wait_s(PEER, 0.0), penalties.wait_s(OTHER, 0.0))


async def _misbehave(rig: Rig, address: str, octets: bytes) -> int:
    """Return the status, after a socket that was let in was closed."""
    raw = await Raw.connect(rig.port)
    status = await raw.ask(f"/bandwidth/{token()}", extra=f"X-Forwarded-For: {address}\r\n")
    if status == 101:
        raw.send(octets)
        await raw.close_code()
        raw.abort()
    elif status == 429:
        assert "too_many_faults" == json.loads(await raw.reader.read())["error"]["code"]
    return status


def test_who_is_cut_again_and_again_is_kept_out() -> None:
    """By the address that the load balancer adds last, with a word on when to come again; the
    carrier, which has the same token and another address, comes in."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            allowed = rig.limits.faults_at_once
            statuses = []
            for number in range(allowed + 10):
                lie = f"203.0.113.{number}, {PEER.address}"
                statuses.append(await _misbehave(rig, lie, LOOSE))
                await asyncio.sleep(0)
            assert {101, 429} == set(statuses)
            assert statuses.count(101) >= allowed
            assert 101 == await _misbehave(rig, OTHER.address, LOOSE)

    run(scenario)


def test_sockets_that_break_or_end_count_nothing() -> None:
    """All calls of a carrier may come back at once, after a fault of the network."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            for number in range(rig.limits.faults_at_once + 10):
                raw = await Raw.connect(rig.port)
                assert 101 == await raw.ask(f"/bandwidth/{token()}")
                for said in (start(f"c-{number}"), media(1, "inbound")):
                    raw.send(websocket_frame(TEXT, said.encode()))
                await raw.writer.drain()
                raw.abort()

    run(scenario)


def test_too_big_a_message_is_a_fault_too() -> None:
    """The parser below closes for it, and we hear of that."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            huge = websocket_frame(BINARY, bytes(65_537))
            statuses = [
                await _misbehave(rig, PEER.address, huge)
                for _ in range(rig.limits.faults_at_once + 10)
            ]
            assert 429 in statuses

    run(scenario)
