"""From stored media to a rendition and its manifest, with every way to die between."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.encoder import FileEncoder
from chalicelib.capture.events import Track
from chalicelib.errors import CorruptContainer, Unavailable
from chalicelib.media import codecs, wav
from chalicelib.media.pcm import interleave, mix, silence
from chalicelib.ports import Encoder
from chalicelib.recording import naming
from chalicelib.recording.manifest import Manifest, parse_manifest
from chalicelib.recording.model import (
    Format,
    Gap,
    Interval,
    Recording,
    RecordingEvent,
    RecordOptions,
    Rendition,
    State,
    Stream,
)
from chalicelib.services.assemble import Assembled, Outcome, assemble
from tests.captured import CALL, OPENED_US, Tape, noise, two_tracks
from tests.fakes import FakeCore, Faults
from tests.fakes_media import FakeMediaStore, FakeRenditionStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STEREO = RecordOptions(stereo=True)
RECORDING = Recording(
    recording_id="r-1",
    call=CALL,
    control_id="c",
    state=State.FINALIZING,
    version=1,
    round=1,
    options=STEREO,
    profile="p",
    created_at=NOW,
)
MANIFEST_KEY = "recordings/main/r-1/manifest.json"


@dataclass
class World:
    """Everything that assembling touches."""

    media: FakeMediaStore = field(default_factory=FakeMediaStore)
    renditions: FakeRenditionStore = field(default_factory=FakeRenditionStore)
    core: FakeCore = field(default_factory=FakeCore)
    faults: Faults = field(default_factory=Faults)
    encoder: Encoder = field(default_factory=FileEncoder)

    def tape(self, **facts: Any) -> Tape:
        """Return a stream's tape into this world's media."""
        return Tape(media=self.media, **facts)

    def record(self, streams: Sequence[Stream], recording: Recording = RECORDING) -> None:
        """Write the rows."""
        event = RecordingEvent(recording_id="r-1", at=NOW, event="created")
        self.core.recordings.create(recording, event, None)
        for stream in streams:
            self.core.store.streams[CALL.key, stream.stream_key] = stream

    def assemble(self) -> Assembled:
        """Run it with every port counted."""
        return assemble(
            "r-1",
            1,
            recordings=self.faults.wrap(self.core.recordings),
            calls=self.faults.wrap(self.core.calls),
            media=self.faults.wrap(self.media),
            renditions=self.faults.wrap(self.renditions),
            encoder=self.encoder,
            now=lambda: NOW,
        )

    def file(self, extension: str = "wav") -> bytes:
        """Return the stored rendition."""
        return self.renditions.objects[naming.rendition_key("main", "r-1", extension)]

    def manifest(self) -> Manifest:
        """Return the stored manifest."""
        return parse_manifest(self.renditions.get_text(MANIFEST_KEY))


@pytest.fixture
def world() -> World:
    """Return an empty world."""
    return World()


def _pcm(payload: bytes) -> bytes:
    return codecs.decode(payload, "PCMU")


def test_a_wav_is_what_was_heard(world: World) -> None:
    """Header and every sample of both channels, and the manifest says so."""

    tape = world.tape()
    sent = two_tracks(tape, 5)
    tape.close_segment()
    world.record([tape.row()])

    result = world.assemble()

    file = world.file()
    assert Assembled(recording_id="r-1", attempt=1, outcome=Outcome.ASSEMBLED) == result
    assert wav.header(rate_hz=8000, channels=2, samples=40_000) == file[:44]
    assert interleave(_pcm(sent[0]), _pcm(sent[1])) == file[44:]
    manifest = world.manifest()
    (made,) = manifest.renditions
    assert ("recordings/main/r-1/recording.wav", len(file)) == (made.key, made.size)
    assert (hashlib.sha256(file).hexdigest(), 5000, 2) == (
        made.sha256,
        made.duration_ms,
        made.channels,
    )
    assert () == manifest.gaps
    assert 500 == manifest.quality.messages_received
    assert "" == manifest.quality.degraded


@pytest.mark.parametrize(("format_", "magic"), [(Format.MP3, b"ID3"), (Format.MP4, b"\0\0\0")])
def test_other_formats_are_made(world: World, format_: Format, magic: bytes) -> None:
    """The options' format decides what is stored, the manifest names it."""

    tape = world.tape()
    two_tracks(tape, 2)
    tape.close_segment()
    options = RecordOptions(format=format_)
    world.record([tape.row()], replace(RECORDING, options=options))

    world.assemble()

    (made,) = world.manifest().renditions
    assert world.file(format_).startswith(magic)
    assert (format_, len(world.file(format_)), 2000, 1) == (
        made.format,
        made.size,
        made.duration_ms,
        made.channels,
    )


def test_a_dead_workers_journal_is_read(world: World) -> None:
    """What no segment covers comes from the journal; what both hold comes once."""

    tape = world.tape()
    first = two_tracks(tape, 3)
    tape.close_segment()
    second = two_tracks(tape, 2, from_s=3, seed=7)
    world.record([tape.row(complete=False)], replace(RECORDING, options=RecordOptions()))

    world.assemble()

    sent = [_pcm(a + b) for a, b in zip(first, second, strict=True)]
    assert mix(*sent) == world.file()[44:]


def test_two_taps_on_two_workers_are_one_recording(world: World) -> None:
    """Each worker's stream gives its channel, joined by wall time."""

    listen = world.tape(worker="w2", stream_key="s2", opened_at_s=1.0, number=40)
    speak = world.tape(worker="w1", stream_key="s1")
    inbound, outbound = noise(40_000, 1), noise(32_000, 2)
    speak.hear(Track.INBOUND, inbound, 0.0)
    listen.hear(Track.OUTBOUND, outbound, 1.0)
    for tape in (speak, listen):
        tape.commit()
        tape.close_segment()
    world.record([speak.row(tracks=[Track.INBOUND]), listen.row(tracks=[Track.OUTBOUND])])

    world.assemble()

    late = silence(8000) + _pcm(outbound)
    assert interleave(_pcm(inbound), late) == world.file()[44:]
    assert [Gap(track=Track.OUTBOUND, offset_ms=0.0, duration_ms=1000.0, reason="late_track")] == [
        *world.manifest().gaps
    ]


def test_a_pause_is_left_out(world: World) -> None:
    """Only what lies in the recording's intervals is in its file."""

    tape = world.tape()
    sent, _ = two_tracks(tape, 5)
    tape.close_segment()
    intervals = (
        Interval(to_us=OPENED_US + 1_000_000),
        Interval(from_us=OPENED_US + 3_000_000),
    )
    world.record([tape.row()], replace(RECORDING, intervals=intervals))

    world.assemble()

    heard = _pcm(sent)
    kept = heard[:16_000] + heard[48_000:]
    assert kept == b"".join(world.file()[44:][at : at + 2] for at in range(0, 2 * len(kept), 4))


def test_another_round_of_the_call_is_another_recording(world: World) -> None:
    """Media of an earlier round isn't in this one's file."""

    earlier, later = world.tape(stream_key="s0"), world.tape(number=2, opened_at_s=60.0)
    two_tracks(earlier, 2)
    earlier.close_segment()
    later.segments = 1
    sent = two_tracks(later, 3, from_s=60, seed=5)
    later.close_segment()
    world.record([earlier.row(), later.row(round_=2)], replace(RECORDING, round=2))

    world.assemble()

    assert interleave(_pcm(sent[0]), _pcm(sent[1])) == world.file()[44:]


def test_nothing_recorded_is_empty(world: World) -> None:
    """A call without media makes no rendition and no manifest."""

    world.record([world.tape().row(complete=False)])

    assert Outcome.EMPTY is world.assemble().outcome
    assert {} == world.renditions.objects


def test_media_that_cant_be_read_is_no_empty_recording(world: World) -> None:
    """Where all is broken, that is said, and nothing is called empty."""

    tape = world.tape()
    two_tracks(tape, 1)
    world.media.objects = {tape.close_segment(): b"rubbish"}
    world.record([tape.row()])

    with pytest.raises(CorruptContainer, match="all of 1"):
        world.assemble()


def test_a_broken_record_is_told(world: World) -> None:
    """One second fails its CRC: silence, a gap, `degraded`; the rest is whole."""

    tape = world.tape()
    sent = two_tracks(tape, 3)
    key = tape.close_segment()
    body = world.media.objects[key]
    at = body.index(sent[0][8000:8100])
    world.media.objects[key] = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
    world.record([tape.row()])

    world.assemble()

    inbound = _pcm(sent[0])
    expected = interleave(inbound[:16_000] + silence(8000) + inbound[32_000:], _pcm(sent[1]))
    manifest = world.manifest()
    assert expected == world.file()[44:]
    assert [Gap(track=Track.INBOUND, offset_ms=1000.0, duration_ms=1000.0, reason="corrupt")] == [
        *manifest.gaps
    ]
    assert ("corrupt", 1000.0) == (
        manifest.quality.degraded,
        manifest.quality.silence_inserted_ms,
    )


def test_a_broken_segment_is_told(world: World) -> None:
    """A segment whose index is broken, and whose journal is gone, is silence of its length."""

    tape = world.tape()
    first = two_tracks(tape, 2)
    tape.close_segment()
    two_tracks(tape, 2, from_s=2)
    broken = tape.close_segment()
    last = two_tracks(tape, 2, from_s=4, seed=9)
    tape.close_segment()
    world.media.objects[broken] = b""
    world.media.delete(list(world.media.keys("journal/")))
    world.record([tape.row()])

    world.assemble()

    lost = silence(16_000)
    tracks = [_pcm(a) + lost + _pcm(b) for a, b in zip(first, last, strict=True)]
    manifest = world.manifest()
    assert interleave(*tracks) == world.file()[44:]
    assert [(2000.0, 2000.0)] * 2 == [(gap.offset_ms, gap.duration_ms) for gap in manifest.gaps]
    assert "corrupt" == manifest.quality.degraded


def test_repeats_change_nothing(world: World) -> None:
    """Running it again stores the same bytes: nothing is written a second time."""

    tape = world.tape()
    two_tracks(tape, 2)
    tape.close_segment()
    world.record([tape.row()])

    world.assemble()
    before = dict(world.renditions.objects)
    world.assemble()
    world.assemble()

    assert before == world.renditions.objects
    assert ["recordings/main/r-1/recording.wav", MANIFEST_KEY] == world.renditions.writes


@pytest.mark.parametrize("format_", list(Format))
def test_two_at_once_store_the_same(world: World, format_: Format) -> None:
    """Two executions side by side leave one rendition and one manifest, each whole."""

    tape = world.tape()
    two_tracks(tape, 2)
    tape.close_segment()
    world.record([tape.row()], replace(RECORDING, options=RecordOptions(format=format_)))

    with ThreadPoolExecutor(2) as executor:
        for run in [executor.submit(world.assemble) for _ in range(2)]:
            assert Outcome.ASSEMBLED is run.result().outcome

    (made,) = world.manifest().renditions
    assert made.sha256 == hashlib.sha256(world.file(format_)).hexdigest()
    assert 2 == len(world.renditions.objects)


@pytest.mark.parametrize("acts", [False, True])
def test_dying_anywhere_and_running_again_ends_the_same(acts: bool, tmp_path: Path) -> None:
    """A port that fails at its n-th call, before or after it acted, for every n."""

    undisturbed = _dead_worker(tmp_path)
    undisturbed.assemble()

    for n in range(1, undisturbed.faults.calls + 1):
        world = _dead_worker(tmp_path)
        (world.faults.after if acts else world.faults.before)(n)
        with suppress(Unavailable):  # a journal number that isn't there may be the n-th
            world.assemble()
        if MANIFEST_KEY in world.renditions.objects:
            assert undisturbed.file() == world.file()
        world.assemble()
        assert undisturbed.renditions.objects == world.renditions.objects

    assert [] == list(tmp_path.iterdir())


def _dead_worker(folder: Path) -> World:
    world = World(encoder=FileEncoder(folder=str(folder)))
    tape = world.tape()
    for minute in range(3):
        two_tracks(tape, 1, from_s=minute, seed=minute)
        tape.close_segment()
    two_tracks(tape, 2, from_s=3)
    world.record([tape.row(complete=False)])
    return world


def test_retention_goes_with_the_object(world: World) -> None:
    """The days of the profile are a tag that the bucket's rules go by; none is none."""

    tape = world.tape()
    two_tracks(tape, 1)
    tape.close_segment()
    world.record([tape.row()], replace(RECORDING, retention_days=30))

    world.assemble()

    assert {"recordings/main/r-1/recording.wav": {"retention_days": "30"}} == world.renditions.tags


def test_renditions_made_before_stay_in_the_manifest(world: World) -> None:
    """Another format of a finished recording stands beside the first."""

    tape = world.tape()
    two_tracks(tape, 1)
    tape.close_segment()
    first = Rendition(
        format=Format.MP3,
        key="recordings/main/r-1/recording.mp3",
        size=1,
        duration_ms=1000,
        channels=2,
        sha256="00",
        created_at=NOW,
    )
    world.record([tape.row()], replace(RECORDING, renditions=(first,)))

    world.assemble()

    assert [Format.MP3, Format.WAV] == [made.format for made in world.manifest().renditions]
