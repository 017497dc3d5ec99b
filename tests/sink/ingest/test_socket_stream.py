"""Bad input on real sockets: each has its answer, and costs nothing that came before it."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import pytest
from websockets.exceptions import ConnectionClosed

from chalicelib.capture import container
from chalicelib.capture.events import Track
from chalicelib.recording.model import Ending
from chalicelib.sink.ingest.socket_stream import MESSAGE_COST, PART_COST, SCRAP_COST
from chalicelib.sink.runtime.limits import Limits
from tests.sink.rig import QUICK, STOP, Rig, frame, media, run, start, until

SEGMENTS = "segments/main/bandwidth/c-1/"
TAPPED = "segments/main/signalwire/c-1/"


def refused(rig: Rig) -> int:
    """Return how many messages the last segment says were refused."""
    *_, last = rig.store.keys("segments/")
    return container.decode(rig.store.objects[last]).heads[0].messages_refused


@pytest.mark.parametrize(
    "wrong",
    [
        b"\x00\x01binary",
        "{not json",
        "[]",
        '{"eventType":"dance"}',
        media(5).replace("inbound", "sideways"),
        media(5).replace('"payload": "', '"payload": "*'),
        '{"eventType":"media","track":"inbound"}',
        '{"eventType":"media","track":"inbound","payload":7}',
        start(),
    ],
    ids=[
        "bytes",
        "no JSON",
        "no object",
        "unknown event",
        "unknown track",
        "broken base64",
        "no payload",
        "wrong type",
        "second start",
    ],
)
def test_a_wrong_message_is_counted_and_the_stream_goes_on(wrong: str | bytes) -> None:
    """One malformed message costs one message."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            async with rig.bandwidth() as socket:
                await socket.send(start())
                for message in (media(0), wrong, media(1), STOP):
                    await socket.send(message)
                await until(lambda: rig.control.closed)
            assert frame(0) + frame(1) == rig.stored(SEGMENTS)
            assert 1 == refused(rig)

    run(scenario)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (start("c-2", "s-2"), 1008),
        ("x" * (64 * 1024 + 1), 1009),
    ],
    ids=["another stream's start", "oversize"],
)
def test_a_stream_that_cannot_go_on_keeps_what_it_had(wrong: str, code: int) -> None:
    """The close has its code, and what came before is stored."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            async with rig.bandwidth() as socket:
                await socket.send(start())
                await socket.send(media(0))
                await socket.send(wrong)
                await socket.wait_closed()
                assert code == socket.close_code
            await until(lambda: rig.control.closed)
            assert frame(0) == rig.stored(SEGMENTS)
            assert [Ending.BROKEN] == list(rig.control.endings.values())

    run(scenario)


def test_a_dialect_on_anothers_path_is_refused() -> None:
    """Audio first on a JSON dialect's path, and JSON first on a tap's, close with 1003."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            async with rig.bandwidth() as socket:
                await socket.send(b"\xff" * 160)
                await socket.wait_closed()
                assert 1003 == socket.close_code
            async with rig.tap() as socket:
                await socket.send(start())
                await socket.wait_closed()
                assert 1003 == socket.close_code

    run(scenario)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ('{"eventType":"start","metadata":{}}', 1007),
        (start().replace("PCMU", "OPUS"), 1003),
    ],
    ids=["broken start", "unknown encoding"],
)
def test_a_start_that_names_nothing_closes(wrong: str, code: int) -> None:
    """Without a start there is no call to put media under."""

    async def scenario() -> None:
        async with Rig().running() as rig, rig.bandwidth() as socket:
            await socket.send(wrong)
            await socket.wait_closed()
            assert code == socket.close_code

    run(scenario)


def test_no_start_in_time_closes() -> None:
    """A dialect that begins with a start has 5 s to send it."""

    async def scenario() -> None:
        async with Rig().running() as rig, rig.bandwidth() as socket:
            await socket.send(media(0))
            await socket.wait_closed()
            assert (1008, "start_missing") == (socket.close_code, socket.close_reason)

    run(scenario)


def test_media_before_the_start_is_kept() -> None:
    """What comes before its metadata belongs to the call from the first sample."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            async with rig.bandwidth() as socket:
                for message in (media(0), media(9, "outbound"), start(), media(1), STOP):
                    await socket.send(message)
                await until(lambda: rig.control.closed)
            assert frame(0) + frame(1) == rig.stored(SEGMENTS)
            assert frame(9) == rig.stored(SEGMENTS, Track.OUTBOUND)

    run(scenario)


def test_text_on_a_tap_is_nobodys() -> None:
    """A tap's audio is binary; text says nothing and harms nothing."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            async with rig.tap() as socket:
                for message in (frame(0), "hello", b"", frame(1)):
                    await socket.send(message)
            await until(lambda: rig.control.closed)
            assert frame(0) + frame(1) == rig.stored(TAPPED)
            assert [Ending.CLOSED] == list(rig.control.endings.values())

    run(scenario)


def test_a_socket_that_dies_without_stop_loses_nothing() -> None:
    """What arrived before a dead connection is stored, and the stream counts as broken."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            async with rig.bandwidth() as socket:
                await socket.send(start())
                await socket.send(media(0))
                await until(lambda: rig.store.objects)
                await socket.send(media(1))
                await socket.ping()
                socket.transport.abort()
            await until(lambda: rig.control.closed)
            assert rig.stored(SEGMENTS) in (frame(0), frame(0) + frame(1))
            assert [Ending.BROKEN] == list(rig.control.endings.values())

    run(scenario)


def test_the_socket_may_linger_after_its_stop() -> None:
    """After a stop nothing more is taken, and the socket is closed if the carrier forgets it."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            async with rig.bandwidth() as socket:
                for message in (start(), media(0), STOP, media(1)):
                    await socket.send(message)
                await until(lambda: rig.control.closed)
                await socket.wait_closed()
                assert 1000 == socket.close_code
            assert frame(0) == rig.stored(SEGMENTS)
            assert [Ending.STOPPED] == list(rig.control.endings.values())

    run(scenario)


def test_a_flood_is_closed() -> None:
    """Three times the nominal rate with a burst is all that a stream gets."""

    async def scenario() -> None:
        rig = Rig(limits=replace(QUICK, wire_burst_s=0.1))
        async with rig.running(), rig.tap() as socket:
            with contextlib.suppress(ConnectionClosed):
                for _ in range(1000):
                    await socket.send(bytes(60_000))
            assert (1008, "too_fast") == (socket.close_code, socket.close_reason)

    run(scenario)


@pytest.mark.parametrize("parts_cost", [6 * PART_COST, 2 * PART_COST + SCRAP_COST])
def test_a_carrier_may_send_its_messages_in_parts(parts_cost: int) -> None:
    """Two tracks whose every message comes in parts earn what they cost, however long they last."""

    a_second = 100 * (parts_cost + len(media(99_999)) + MESSAGE_COST)

    assert a_second <= 3 * Limits().wire_rate


def test_the_longest_stream_ends() -> None:
    """No stream stays for ever."""

    async def scenario() -> None:
        async with Rig(limits=replace(QUICK, stream_for_s=0.2)).running() as rig:
            async with rig.tap() as socket:
                await socket.send(frame(0))
                await socket.wait_closed()
                assert "stream_too_long" == socket.close_reason
            await until(lambda: rig.control.closed)
            assert frame(0) == rig.stored(TAPPED)

    run(scenario)


def test_rubbish_costs_nobody_else_a_frame() -> None:
    """A thousand malformed messages on one socket leave the other's call whole."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            async with rig.bandwidth() as bad, rig.bandwidth() as good:
                await good.send(start())
                await bad.send(start("c-bad", "s-bad"))
                for number in range(1000):
                    await bad.send(json.dumps({"eventType": number}))
                    await good.send(media(number))
                await good.send(STOP)
                await until(lambda: rig.control.closed)
            assert b"".join(map(frame, range(1000))) == rig.stored(SEGMENTS)

    run(scenario)
