"""What listeners hear of RTP: in order and in time, whatever the network does; and digits."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from chalicelib.capture.events import Encoding, Track
from chalicelib.media.rtp import TELEPHONE_EVENT, RtpPacket
from chalicelib.recording.commands import CommandKind
from chalicelib.recording.model import Direction
from chalicelib.recording.rtp_endpoint import EndpointOptions
from chalicelib.sink.ingest.live_stream import LiveStream
from chalicelib.sink.ingest.rtp_ports import RtpPorts
from chalicelib.sink.ingest.rtp_stream import RtpStream
from chalicelib.sink.runtime.health import Health
from tests.fake_claims import FakePortClaims
from tests.fake_store import Store
from tests.sink.rig import run, until
from tests.sink.rtp_rig import PLACE, SPEEDY, Sender, a_claim, commanding, sender, sound

pytestmark = pytest.mark.paced

SILENCE = b"\xff" * 160
CALM = replace(SPEEDY, rtp_silence_s=0.8)


@dataclass
class Ear:
    """A listener that keeps what it hears."""

    frames: list[bytes] = field(default_factory=list)
    arrivals_us: list[int] = field(default_factory=list)
    pressed: list[str] = field(default_factory=list)
    tracks: set[Track] = field(default_factory=set)
    encodings: set[Encoding] = field(default_factory=set)

    def hear(self, stream: LiveStream, track: Track, payload: bytes, arrival_us: int) -> None:
        """Keep a frame."""
        self.frames.append(payload)
        self.arrivals_us.append(arrival_us)
        self.tracks.add(track)
        self.encodings.add(stream.encoding)

    def press(self, stream: LiveStream, digit: str, arrival_us: int) -> None:
        """Keep a digit."""
        self.pressed.append(digit)


class Owner:
    """Lets an ear hear each stream that begins."""

    def __init__(self) -> None:
        self.ear = Ear()
        self.streams: list[RtpStream] = []
        self.is_over = False

    def stream_opened(self, stream: LiveStream) -> None:
        """Take note of nothing."""

    def stream_started(self, stream: LiveStream) -> None:
        """Listen."""
        assert isinstance(stream, RtpStream)
        self.streams.append(stream)
        stream.listen(self.ear)

    def stream_closed(self, stream: LiveStream) -> None:
        """Note the end."""
        self.is_over = True

    def stream_silent(self, stream: LiveStream, number: int) -> None:
        """Let it be silent."""


@contextlib.asynccontextmanager
async def heard(**changed: object) -> AsyncIterator[tuple[Sender, Owner]]:
    """Open a port whose streams are heard, and who sends to it; end when the stream has ended."""
    owner, health, store = Owner(), Health(), Store()
    ports = RtpPorts("w-1", PLACE, FakePortClaims(store), owner, health, CALM)
    claim = a_claim(**changed)
    FakePortClaims(store).claim(claim)
    await ports.open(commanding(claim, CommandKind.OPEN_PORT))
    async with sender(claim) as carrier:
        yield carrier, owner
        await until(lambda: owner.is_over)
    await ports.close()


def sounding(frames: list[bytes]) -> list[bytes]:
    """Return the frames that aren't silence: a slow machine's buffer gets deeper by some."""
    return [frame for frame in frames if frame != SILENCE]


def paced(carrier: Sender, numbers: list[int], kind: int = 0) -> None:
    """Send packets, each 20 ms after the one before it in the list."""
    loop = asyncio.get_running_loop()
    for place, number in enumerate(numbers):
        loop.call_later(place * 0.02, carrier.sound, [number], kind)


def test_a_listener_hears_in_order_what_came_out_of_order() -> None:
    """A lost packet is silence of its length, a copy nothing; capture has them all as they came."""

    async def scenario() -> None:
        async with heard(options=EndpointOptions(codec=Encoding.PCMU)) as (carrier, owner):
            paced(carrier, [0, 1, 3, 2, 4, 4, 6, 7, 8, 9, 11, 10, *range(12, 30)])
        frames = owner.ear.frames
        assert [sound(n) for n in range(30) if n != 5] == sounding(frames)
        assert SILENCE == frames[frames.index(sound(4)) + 1]
        assert {Track.INBOUND} == owner.ear.tracks
        (stream,) = owner.streams
        assert 29 * 160 == sum(record.samples for record in stream.cut())

    run(scenario)


def test_a_long_hole_is_not_given() -> None:
    """Its first 200 ms are silence, then nothing is given until sound comes again."""

    async def scenario() -> None:
        async with heard() as (carrier, owner):
            paced(carrier, list(range(10)))
            asyncio.get_running_loop().call_later(0.8, paced, carrier, list(range(40, 50)))
        ear = owner.ear
        assert [sound(n) for n in [*range(10), *range(40, 50)]] == sounding(ear.frames)
        # Twice ten frames of silence; more where this machine was slow.
        assert 20 <= len(ear.frames) - 20 < 30
        longest_us = max(after - before for before, after in pairwise(ear.arrivals_us))
        assert 250_000 < longest_us < 600_000
        begun_us = ear.arrivals_us[0] - owner.streams[0].opened_us
        assert -20_000 < begun_us < 100_000

    run(scenario)


def test_a_sender_that_begins_anew_in_another_codec_is_heard_on() -> None:
    """The stream's encoding is that of what comes."""

    async def scenario() -> None:
        async with heard() as (carrier, owner):
            paced(carrier, list(range(10)))
            anew = replace(carrier, ssrc=7, sequence=500, timestamp=9)
            again = replace(carrier, ssrc=8, sequence=9, timestamp=2**31)
            loop = asyncio.get_running_loop()
            loop.call_later(0.5, paced, anew, list(range(100, 110)), 8)
            loop.call_later(0.9, paced, again, list(range(200, 210)), 8)
        frames = {frame for frame in owner.ear.frames if len(set(frame)) > 1}
        wanted = [*range(10), *range(100, 110), *range(200, 210)]
        assert {sound(n) for n in wanted} == frames | {sound(0)}
        assert {Encoding.PCMU, Encoding.PCMA} == owner.ear.encodings

    run(scenario)


def digit(carrier: Sender, number: int, event: int) -> list[RtpPacket]:
    """Return the packets of a key press: three of the tone, three of its end."""
    return [
        RtpPacket(
            TELEPHONE_EVENT,
            number + place,
            number * 160,
            carrier.ssrc,
            bytes([event, 0x8A if place > 2 else 0x0A]) + (160 * min(place + 1, 4)).to_bytes(2),
        )
        for place in range(6)
    ]


def test_a_key_press_is_told_once() -> None:
    """Though its packets are doubled, shuffled and half of them lost; a broken one is counted."""

    async def scenario() -> None:
        async with heard() as (carrier, owner):
            five, pound = digit(carrier, 10, 5), digit(carrier, 100, 11)
            carrier.send(*five, five[0], *reversed(pound[1:4]))
            carrier.send(RtpPacket(TELEPHONE_EVENT, 200, 32_000, carrier.ssrc, b"\x05"))
        assert ["5", "#"] == owner.ear.pressed
        assert 1 == owner.streams[0].refused

    run(scenario)


def test_a_key_that_is_sent_to_the_party_is_nobodys() -> None:
    """Only what the party presses is a digit of the call."""

    async def scenario() -> None:
        to_party = EndpointOptions(direction=Direction.LISTEN)
        async with heard(options=to_party) as (carrier, owner):
            carrier.send(*digit(carrier, 10, 5))
        assert [] == owner.ear.pressed
        assert 0 == owner.streams[0].refused

    run(scenario)


def test_who_stops_listening_hears_no_more() -> None:
    """Another listener takes its place in the middle, and who comes after the end hears nothing."""

    async def scenario() -> None:
        other, late = Ear(), Ear()
        async with heard() as (carrier, owner):
            paced(carrier, list(range(30)))
            await asyncio.sleep(0.3)
            (stream,) = owner.streams
            stream.listen(other)
            await until(lambda: len(other.frames) > 3)
            stream.listen(None)
        stream.listen(late)
        heard_ = sounding(owner.ear.frames + other.frames)
        assert [sound(n) for n in range(len(heard_))] == heard_
        assert 5 < len(heard_) < 29
        assert [] == late.frames

    run(scenario)


def test_a_listener_may_stop_while_it_hears() -> None:
    """Nothing is given after that."""

    class Enough(Ear):
        def hear(self, stream: LiveStream, track: Track, payload: bytes, arrival_us: int) -> None:
            super().hear(stream, track, payload, arrival_us)
            stream.listen(None)

    async def scenario() -> None:
        async with heard() as (carrier, owner):
            owner.ear = Enough()
            paced(carrier, list(range(10)))
        assert [sound(0)] == owner.ear.frames

    run(scenario)


def test_a_loop_that_stood_still_begins_anew() -> None:
    """More than a second late, nobody hears the past at once."""

    async def scenario() -> None:
        async with heard() as (carrier, owner):
            paced(carrier, list(range(10)))
            await asyncio.sleep(0.3)
            before = len(owner.ear.frames)
            time.sleep(1.1)  # this is what is tested
            await asyncio.sleep(0.05)
            assert len(owner.ear.frames) - before < 5

    run(scenario)
