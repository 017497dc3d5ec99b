"""A sender that changes between PCMU and PCMA: every sample is heard as what it is."""

from __future__ import annotations

import asyncio
import contextlib
import math
import struct
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from chalicelib.capture import container
from chalicelib.capture.events import Encoding
from chalicelib.media import codecs
from chalicelib.media.rtp import ENCODINGS, TELEPHONE_EVENT, RtpPacket
from chalicelib.media.tones import digit_tone
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.model import RecordOptions, State
from chalicelib.recording.rtp_endpoint import PortClaim
from simulator.rtp import RtpTap
from tests.sink.calls.test_rtp_commands import Stage
from tests.sink.calls.test_with_call_control import office
from tests.sink.ingest.test_rtp_reorder import heard
from tests.sink.rig import Rig, run, until
from tests.sink.rtp_rig import (
    CALL,
    SPEEDY,
    Sender,
    closed,
    in_place,
    opened,
    rtp_rig,
    sender,
    sound,
    stored,
    tell,
)

PCMU, PCMA = 0, 8
PATIENT = replace(SPEEDY, rtp_silence_s=5.0, alone_after_s=5.0)
FRAME = 160


def tone(number: int) -> bytes:
    """Return the n-th 20 ms of a sine as pcm: misread it would be noise."""
    at = range(number * FRAME, (number + 1) * FRAME)
    return struct.pack(
        f"<{FRAME}h", *(round(9000 * math.sin(2 * math.pi * 440 * n / 8000)) for n in at)
    )


def kind_of(number: int) -> int:
    """Return a frame's payload type: ten frames of one, ten of the other."""
    return PCMU if number // 10 % 2 == 0 else PCMA


def encoded(pcm: bytes, kind: int) -> bytes:
    """Return pcm as payload."""
    return codecs.encode(pcm, ENCODINGS[kind])


def decoded(numbers: Iterable[int]) -> bytes:
    """Return frames of the tone as they sound once they were sent."""
    return b"".join(
        codecs.decode(encoded(tone(n), kind_of(n)), ENCODINGS[kind_of(n)]) for n in numbers
    )


@dataclass
class Talk(Stage):
    """A call by RTP whose sender changes its encoding."""

    claim: PortClaim
    carrier: Sender

    async def hum(self, numbers: range) -> None:
        """Send frames of the tone in real time."""
        await self.send({n: encoded(tone(n), kind_of(n)) for n in numbers})

    async def send(self, payloads: Mapping[int, bytes]) -> None:
        """Send payloads in real time."""
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        for place, (number, payload) in enumerate(payloads.items(), start=1):
            self.carrier.send(self.carrier.packet(number, payload, kind_of(number)))
            await asyncio.sleep(begun_s + place * 0.02 - loop.time())


@contextlib.asynccontextmanager
async def talk(**options: object) -> AsyncIterator[Talk]:
    """Run a sink with a claimed port; at the end the carrier says that the tap is over."""
    desk, _ = office(record_call=RecordOptions(**options))  # type: ignore[arg-type]  # by name
    rig = rtp_rig(
        PATIENT,
        control=desk.control,
        live=desk.live,
        mailbox=desk.core.mailbox,
        claims=desk.core.port_claims,
    )
    async with rig.running():
        claim = await opened(rig)
        async with sender(claim, sequence=65_530, timestamp=2**32 - 1600) as carrier:
            tap = RtpTap(uri=claim.uri, call_id=CALL.call_id)
            yield Talk(desk, rig, tap, carrier.socket, claim, carrier)
        tell(rig, claim, CommandKind.END_PORT)
        await until(lambda: not rig.sink.call_registry.calls)


def test_the_finished_file_has_every_sample_decoded_right() -> None:
    """Journal and segments keep each packet's bytes and encoding; the rendition is the tone."""

    async def scenario() -> None:
        async with talk() as on:
            await on.hum(range(45))
            await until(lambda: on.rig.store.keys("journal/"))
        found = stored(on.rig)
        assert [PCMU, PCMA, PCMU, PCMA, PCMU] == [
            PCMU if encoding is Encoding.PCMU else PCMA
            for encoding in _changes(record.encoding for record in found.records)
        ]
        assert (45, 0, 0, ()) == (
            found.head.messages_received,
            found.head.messages_refused,
            found.head.messages_lost,
            found.timeline().holes,
        )
        assert decoded(range(45)) == on.heard()
        (stream,) = on.desk.core.calls.streams(CALL.key)
        assert Encoding.PCMU is stream.encoding

    run(scenario)


def _changes(encodings: Iterable[Encoding]) -> list[Encoding]:
    told: list[Encoding] = []
    for encoding in encodings:
        if told[-1:] != [encoding]:
            told.append(encoding)
    return told


def test_what_a_dead_worker_left_in_its_journal_is_decoded_right() -> None:
    """The journal's records have their own encoding, too."""

    async def scenario() -> None:
        rig = rtp_rig(PATIENT)
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as carrier:
                carrier.sound(range(10), kind=PCMA)
                carrier.sound(range(10, 20), kind=PCMU)
                await until(lambda: len(rig.stored("journal/")) == 20 * FRAME)
                records = [
                    record
                    for key in rig.store.keys("journal/")
                    for record in container.decode(rig.store.objects[key], key).records
                ]
                tell(rig, claim, CommandKind.END_PORT)
                await closed(rig)
        assert {
            (Encoding.PCMA, b"".join(map(sound, range(10)))),
            (Encoding.PCMU, b"".join(map(sound, range(10, 20)))),
        } == {
            (encoding, b"".join(one.payload for one in records if one.encoding is encoding))
            for encoding in (Encoding.PCMA, Encoding.PCMU)
        }

    run(scenario)


def test_a_change_that_is_shuffled_and_doubled_stays_in_place() -> None:
    """Packets of both encodings in any order, a key press between them: each where it belongs."""

    async def scenario() -> None:
        rig = rtp_rig()
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as carrier:
                carrier.sound(range(6))
                for number in (7, 6, 9, 8, 8, 11, 10):
                    carrier.sound([number], kind=PCMU if number < 8 else PCMA)
                event = RtpPacket(TELEPHONE_EVENT, 12, 12 * 160, carrier.ssrc, b"\x05\x0a\x00\xa0")
                carrier.send(event)
                for number in range(12, 20):
                    packet = carrier.packet(number, sound(number))
                    carrier.send(replace_number(packet, number + 1))
                await closed(rig)
        found = stored(rig)
        assert in_place(20) == found.sounding()
        assert (22, 1, 0, 0) == (
            found.head.messages_received,
            found.head.messages_duplicated,
            found.head.messages_lost,
            found.head.messages_refused,
        )

    run(scenario)


def replace_number(packet: RtpPacket, number: int) -> RtpPacket:
    """Return a packet under another number."""
    return RtpPacket(packet.payload_type, number, packet.timestamp, packet.ssrc, packet.payload)


def test_a_change_in_a_pause_is_known_after_it() -> None:
    """What is said in the pause is nowhere; what follows sounds as it was said."""

    async def scenario() -> None:
        async with talk() as on:
            await on.send({n: sound(n) for n in range(15)})
            await on.command(CommandKind.PAUSE)
            await on.send({n: sound(n) for n in range(15, 32)})
            await on.command(CommandKind.RESUME)
            await on.send({n: sound(n) for n in range(32, 60)})
        everything = b"".join(on.rig.store.objects.values())
        assert [] == [n for n in range(16, 32) if sound(n) in everything]
        before, after = (
            b"".join(codecs.decode(sound(n), ENCODINGS[kind_of(n)]) for n in numbers)
            for numbers in (range(15), range(38, 60))
        )
        told = on.heard()
        assert (True, True) == (told.startswith(before), told.endswith(after))

    run(scenario)


@pytest.mark.parametrize("kind", [PCMU, PCMA])
def test_a_tone_in_either_encoding_ends_a_recording(kind: int) -> None:
    """Detectors hear it decoded right, whatever the stream began with."""

    async def scenario() -> None:
        async with talk(terminators="#") as on:
            await on.hum(range(8) if kind == PCMA else range(10, 18))
            await asyncio.sleep(0.1)
            pressed = digit_tone("#", rate_hz=8000, duration_ms=100) + bytes(320 * 10)
            for place in range(len(pressed) // 320):
                pcm = pressed[320 * place : 320 * (place + 1)]
                on.carrier.send(on.carrier.packet(25 + place, encoded(pcm, kind), kind))
                await asyncio.sleep(0.02)
            await until(lambda: on.recording.state is State.FINALIZING)
        assert "digit" == on.recording.reason

    run(scenario)


@pytest.mark.paced
def test_a_listener_hears_one_encoding() -> None:
    """What comes in the other one is converted: no frame is lost, and none is misread."""

    async def scenario() -> None:
        async with heard() as (carrier, owner):
            loop = asyncio.get_running_loop()
            for number in range(40):
                kind = kind_of(number)
                packet = carrier.packet(number, encoded(tone(number), kind), kind)
                loop.call_later(number * 0.02, carrier.send, packet)
        wanted = [
            codecs.convert(encoded(tone(n), kind_of(n)), ENCODINGS[kind_of(n)], "PCMU")
            for n in range(40)
        ]
        frames = [frame for frame in owner.ear.frames if set(frame) != {0xFF}]
        assert wanted == frames
        assert {Encoding.PCMU} == owner.ear.encodings

    run(scenario)


@pytest.mark.paced
def test_an_outgoing_tap_sends_what_was_said() -> None:
    """Its destination gets one codec, whatever the call's sender changes to."""

    async def scenario() -> None:
        second = rtp_rig(replace(SPEEDY, rtp_silence_s=1.5))
        async with second.running(), talk() as on:
            other = await opened(second)
            await on.hum(range(8))
            await _tap(on.rig, other.uri)
            await on.hum(range(8, 70))
            await closed(second)
        sent = b"".join(record.payload for record in stored(second).records)
        wanted = b"".join(
            codecs.convert(encoded(tone(n), kind_of(n)), ENCODINGS[kind_of(n)], "PCMU")
            for n in range(20, 60)
        )
        assert wanted in sent

    run(scenario)


async def _tap(rig: Rig, uri: str) -> None:
    command = Command(
        command_id="tap",
        kind=CommandKind.TAP,
        worker="w-1",
        call_key=CALL.key,
        recording_id="t-1",
        at=datetime.now(UTC),
        tap={"uri": uri, "control_id": "t"},
    )
    rig.mailbox.send(command)
    await until(lambda: not rig.mailbox.is_waiting(command))
