"""Broken media, repeats, two at once, and dying at every line of finalization."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.adapters.encoder import FileEncoder
from chalicelib.capture.events import Track
from chalicelib.errors import CorruptContainer, Unavailable
from chalicelib.media import codecs
from chalicelib.media.pcm import interleave, silence
from chalicelib.recording.model import Format, Gap, RecordOptions, Rendition
from chalicelib.services.finalization.assemble import Outcome
from tests.assembling import MANIFEST_KEY, NOW, RECORDING, World
from tests.captured import two_tracks


@pytest.fixture
def world() -> World:
    """Return an empty world."""
    return World()


def _pcm(payload: bytes) -> bytes:
    return codecs.decode(payload, "PCMU")


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
    assert expected == world.pcm()
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
    assert interleave(*tracks) == world.pcm()
    assert [(2000.0, 2000.0, "corrupt")] * 2 == [
        (gap.offset_ms, gap.duration_ms, gap.reason) for gap in manifest.gaps
    ]
    assert "corrupt" == manifest.quality.degraded


def test_a_segment_that_broke_later_makes_no_other_rendition(world: World) -> None:
    """A finished recording isn't made again with a hole that it didn't have."""

    tape = world.tape()
    keys = []
    for begin in (0, 2, 4):
        two_tracks(tape, 2, from_s=begin, seed=begin)
        keys.append(tape.close_segment())
    world.record([tape.row()])
    world.assemble()
    made = Rendition(
        format=Format.WAV,
        key="recordings/main/r-1/recording.wav",
        size=len(world.file()),
        duration_ms=6000,
        channels=2,
        sha256="",
        created_at=NOW,
    )
    finished = replace(RECORDING, making=Format.MP3, renditions=(made,))
    world.core.store.recordings["r-1"] = finished
    world.assemble()
    assert Format.MP3 in [one.format for one in world.manifest().renditions]

    world.media.objects[keys[1]] = b""
    world.media.delete(list(world.media.keys("journal/")))

    with pytest.raises(CorruptContainer, match="no longer stored"):
        world.assemble()


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
