"""What the next carriers ask of a socket, with carriers that don't exist."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Iterator

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from chalicelib.capture import container
from chalicelib.capture.events import Clock, Encoding, Track
from chalicelib.capture.placing import place
from chalicelib.capture.timeline import Timeline
from tests.sink.rig import Rig, run, token, until
from tests.streams import answered, stamped, stereo
from tests.streams.registered import registered

SEGMENTS = "segments/main/streams/c-1/"
FRAME = 160


@pytest.fixture(autouse=True)
def _dialects() -> Iterator[None]:
    with registered():
        yield


@contextlib.asynccontextmanager
async def open_(rig: Rig, dialect: str, *offered: str) -> AsyncIterator[ClientConnection]:
    """Open a stream's socket."""
    uri = f"ws://127.0.0.1:{rig.port}/{dialect}/{token()}"
    subprotocols = list(offered) or None
    async with connect(uri, compression=None, subprotocols=subprotocols) as socket:  # type: ignore[arg-type]
        yield socket


def timeline(rig: Rig) -> Timeline:
    """Return the timeline of all that is stored of the call."""
    heads, entries = {}, []
    for key in rig.store.keys(SEGMENTS):
        index = container.decode_index(rig.store.objects[key], key)
        heads.update({head.stream_key: head for head in index.heads})
        entries += index.entries
    return place(heads.values(), entries)


def frame(number: int) -> bytes:
    """Return 20 ms that no other number gives."""
    return number.to_bytes(2) * (FRAME // 2)


def test_messages_that_overtake_each_other_are_put_in_order() -> None:
    """1 2 4 3 5 with a copy comes out as 1 2 3 4 5, and the stream says which clock it has."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            async with open_(rig, "stamped") as socket:
                await socket.send(stamped.start())
                for number in (1, 2, 4, 3, 3, 5):
                    await socket.send(stamped.media(frame(number), 20 * number, number))
                await socket.send(stamped.STOP)
                await until(lambda: rig.control.closed)
            assert b"".join(map(frame, range(1, 6))) == rig.stored(SEGMENTS)
            (key,) = rig.store.keys(SEGMENTS)
            (head,) = container.decode(rig.store.objects[key]).heads
            assert (Clock.TIMESTAMP, 1, 1) == (
                head.clock,
                head.messages_reordered,
                head.messages_duplicated,
            )

    run(scenario)


def test_two_tracks_of_l16_come_in_one_message() -> None:
    """At 16 kHz, to the sample; the sub-protocol that was offered is accepted."""
    said = [random.Random(track).randbytes(64_000) for track in range(2)]
    pairs = b"".join(said[0][at : at + 2] + said[1][at : at + 2] for at in range(0, 64_000, 2))

    async def scenario() -> None:
        async with Rig().running() as rig:
            async with open_(rig, "stereo", "chat", stereo.SUBPROTOCOL) as socket:
                assert stereo.SUBPROTOCOL == socket.subprotocol
                await socket.send(stereo.start())
                for at in range(0, len(pairs), 1281):
                    await socket.send(pairs[at : at + 1281])
                await socket.send(b"")
                await until(lambda: rig.control.closed)
            heard = [rig.stored(SEGMENTS, track) for track in (Track.INBOUND, Track.OUTBOUND)]
            assert said == heard
            placed = timeline(rig)
            assert (16_000, 32_000) == (placed.rate_hz, placed.samples)
            assert {Encoding.L16} == {one.encoding for of in placed.tracks.values() for one in of}

    run(scenario)


@pytest.mark.parametrize("offered", [(), ("chat",)])
def test_no_sub_protocol_is_named_that_the_carrier_did_not_offer(offered: tuple[str, ...]) -> None:
    """A handshake without one that the dialect knows is answered without one."""

    async def scenario() -> None:
        async with Rig().running() as rig, open_(rig, "stereo", *offered) as socket:
            assert None is socket.subprotocol

    run(scenario)


def test_a_carrier_that_asks_is_answered() -> None:
    """Replies come on the socket, in the order of what they answer."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            async with open_(rig, "answered") as socket:
                await socket.send(answered.start())
                await socket.send(answered.text("ping", 2))
                await socket.send(answered.sound(frame(1), frame(2)))
                await socket.send(answered.text("close", 3))
                told = [json.loads(await socket.recv()) for _ in range(3)]
                await until(lambda: rig.control.closed)
            assert ["opened", "pong", "closed"] == [one["type"] for one in told]
            assert frame(2) == rig.stored(SEGMENTS, Track.OUTBOUND)

    run(scenario)


def test_half_a_minute_comes_in_one_message() -> None:
    """480 kB are both tracks' 30 s, and the stream goes on after them."""
    said = [random.Random(track).randbytes(240_000) for track in range(2)]

    async def scenario() -> None:
        async with Rig().running() as rig:
            async with open_(rig, "bulky") as socket:
                await socket.send(answered.start())
                await socket.recv()
                await socket.send(answered.sound(said[0], said[1]))
                await socket.send(answered.sound(frame(1), frame(2)))
                await socket.send(answered.text("close"))
                await until(lambda: rig.control.closed)
            assert said[0] + frame(1) == rig.stored(SEGMENTS)
            assert said[1] + frame(2) == rig.stored(SEGMENTS, Track.OUTBOUND)

    run(scenario)


@pytest.mark.parametrize(
    ("dialect", "begin", "size"),
    [
        ("answered", [answered.start()], 64 * 1024 + 2),
        ("bulky", [], 64 * 1024 + 2),
        ("bulky", [answered.start()], 512 * 1024 + 2),
    ],
    ids=["another dialect", "before the start", "more than it may"],
)
def test_large_messages_are_for_those_who_may(dialect: str, begin: list[str], size: int) -> None:
    """A dialect that doesn't say so, and one whose stream hasn't started, may send 64 KiB."""

    async def scenario() -> None:
        async with Rig().running() as rig, open_(rig, dialect) as socket:
            for message in begin:
                await socket.send(message)
            with contextlib.suppress(ConnectionClosed):
                await socket.send(bytes(size))
            await asyncio.wait_for(socket.wait_closed(), 5)
            assert 1009 == socket.close_code

    run(scenario)


def test_a_stream_may_bring_what_its_format_takes() -> None:
    """L16 of two tracks at 16 kHz for a minute at once is no flood; a stream of G.711 is one."""
    second = bytes(64_000)

    async def scenario() -> None:
        async with Rig().running() as rig, open_(rig, "stereo") as socket:
            await socket.send(stereo.start())
            for _ in range(60):
                await socket.send(second)
            await socket.ping()
            await socket.send(b"")
            await until(lambda: rig.control.closed)
            assert 60 * 32_000 == len(rig.stored(SEGMENTS))

    run(scenario)
