"""From stored media to a rendition and its manifest, sample by sample."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from chalicelib.capture.events import Track
from chalicelib.media import codecs
from chalicelib.media.pcm import interleave, mix, silence
from chalicelib.media.tones import beep
from chalicelib.recording.chain import chained
from chalicelib.recording.model import (
    Format,
    Gap,
    Interval,
    RecordOptions,
    Rendition,
)
from chalicelib.services.finalization.assemble import Assembled, Outcome
from tests.assembling import MANIFEST_KEY, NOW, RECORDING, World
from tests.captured import OPENED_US, noise, two_tracks


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
    assert file.endswith(b"Recording r-1\0ICMT\x09\0\0\0Call c-1\0\0")
    assert Assembled(recording_id="r-1", attempt=1, outcome=Outcome.ASSEMBLED) == result
    assert interleave(_pcm(sent[0]), _pcm(sent[1])) == world.pcm()
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
    assert mix(*sent) == world.pcm()


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
    assert interleave(_pcm(inbound), late) == world.pcm()
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
    assert kept == b"".join(world.pcm()[at : at + 2] for at in range(0, 2 * len(kept), 4))


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

    assert interleave(_pcm(sent[0]), _pcm(sent[1])) == world.pcm()


def test_nothing_recorded_is_empty(world: World) -> None:
    """A call without media makes no rendition and no manifest."""

    world.record([world.tape().row(complete=False)])

    assert Outcome.EMPTY is world.assemble().outcome
    assert {} == world.renditions.objects


@pytest.mark.parametrize(("stereo", "channels"), [(True, 2), (False, 1)])
def test_a_beep_that_the_party_didn_t_hear_lies_over_the_beginning(
    world: World, stereo: bool, channels: int
) -> None:
    """Half a second of it is added to each channel; nothing moves."""

    options = RecordOptions(stereo=stereo, beep=True)
    tape = world.tape()
    sent = two_tracks(tape, 3)
    tape.close_segment()
    world.record([tape.row()], replace(RECORDING, options=options))

    world.assemble()

    tracks = _pcm(sent[0]), _pcm(sent[1])
    said = interleave(*tracks) if stereo else mix(*tracks)
    tone = interleave(beep(8000), beep(8000)) if stereo else beep(8000)
    assert 8000 * channels == len(tone)
    assert mix(said[: len(tone)], tone) + said[len(tone) :] == world.pcm()
    assert "marked" == world.manifest().beep


def test_a_beep_that_the_party_heard_is_not_added(world: World) -> None:
    """The rendition is what was said."""

    tape = world.tape()
    sent = two_tracks(tape, 1)
    tape.close_segment()
    options = RecordOptions(stereo=True, beep=True)
    world.record([tape.row()], replace(RECORDING, options=options, beep_played=True))

    world.assemble()

    assert interleave(_pcm(sent[0]), _pcm(sent[1])) == world.pcm()
    assert "played" == world.manifest().beep


def test_a_recording_shorter_than_the_beep_stays_as_short(world: World) -> None:
    """The beep is cut off with it."""

    tape = world.tape()
    two_tracks(tape, 1)
    tape.close_segment()
    shown = (Interval(to_us=OPENED_US + 220_000),)
    options = RecordOptions(beep=True)
    world.record([tape.row()], replace(RECORDING, options=options, intervals=shown))

    world.assemble()

    assert 0 < len(world.pcm()) < len(beep(8000))


def test_retention_goes_with_the_object(world: World) -> None:
    """The days of the profile are a tag that the bucket's rules go by; none is none."""

    tape = world.tape()
    two_tracks(tape, 1)
    tape.close_segment()
    world.record([tape.row()], replace(RECORDING, retention_days=30))

    world.assemble()

    tag = {"retention_days": "30"}
    keys = ["recordings/main/r-1/recording.wav", MANIFEST_KEY]
    assert dict.fromkeys(keys, tag) == world.renditions.tags


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


def test_the_manifest_chains_what_was_read(world: World) -> None:
    """Every object with the hash of its bytes, and the rendition ends the chain."""

    tape = world.tape()
    two_tracks(tape, 2)
    tape.close_segment()
    two_tracks(tape, 2, from_s=2)
    tape.close_segment()
    world.record([tape.row()])

    world.assemble()

    manifest = world.manifest()
    read = [(key, hashlib.sha256(world.media.objects[key]).digest()) for key in manifest.objects]
    assert 2 == len(read)
    assert chained("r-1", read) == manifest.chain
    assert [manifest.chain[-1].chain] == [made.chain for made in manifest.renditions]


def test_an_earlier_rendition_keeps_its_chain(world: World) -> None:
    """It was made from what lay there then; only the new one ends the new chain."""

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
        chain="c0",
    )
    world.record([tape.row()], replace(RECORDING, renditions=(first,)))

    world.assemble()

    manifest = world.manifest()
    assert ["c0", manifest.chain[-1].chain] == [made.chain for made in manifest.renditions]
