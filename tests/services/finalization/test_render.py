"""Plans to pcm, sample by sample."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.placing import place
from chalicelib.errors import Unavailable
from chalicelib.media import codecs
from chalicelib.media.pcm import interleave, mix, silence
from chalicelib.recording.model import Direction, Gap, RecordOptions
from chalicelib.recording.rendition_plan import RenditionPlan, plan
from chalicelib.services.finalization.media_index import read_holdings
from chalicelib.services.finalization.render import Rendering, sound_of
from tests.captured import CALL, FRAME, Tape, noise, two_tracks
from tests.fakes_media import FakeMediaStore


def _planned(tapes: list[Tape], options: RecordOptions) -> RenditionPlan:
    holdings = read_holdings(CALL.key, [tape.row() for tape in tapes], tapes[0].media)
    timeline = place(holdings.heads, holdings.entries)
    return plan(timeline, holdings.heads, options)


def _rendered(tapes: list[Tape], options: RecordOptions) -> tuple[bytes, list[Gap]]:
    planned = _planned(tapes, options)
    with ThreadPoolExecutor(2) as executor:
        rendering = Rendering(planned, tapes[0].media, executor)
        pcm = b"".join(rendering.pcm())
    assert sound_of(planned).size == len(pcm)
    return pcm, rendering.corrupt


@pytest.fixture
def tape() -> Tape:
    """Return a worker's stream with nothing heard yet."""
    return Tape(media=FakeMediaStore())


def test_stereo_is_one_track_a_channel(tape: Tape) -> None:
    """Inbound is channel 0, outbound channel 1, over many segments and to the sample."""

    sent = (b"", b"")
    for minute in range(9):
        heard = two_tracks(tape, 3, from_s=3 * minute, seed=2 * minute)
        sent = (sent[0] + heard[0], sent[1] + heard[1])
        tape.close_segment()

    pcm, corrupt = _rendered([tape], RecordOptions(stereo=True))

    assert interleave(*(codecs.decode(track, "PCMU") for track in sent)) == pcm
    assert [] == corrupt


def test_both_without_stereo_is_a_sum(tape: Tape) -> None:
    """The tracks are added, saturated to 16 bits."""

    sent = two_tracks(tape, 3)
    tape.close_segment()

    pcm, _ = _rendered([tape], RecordOptions())

    assert mix(*(codecs.decode(track, "PCMU") for track in sent)) == pcm


@pytest.mark.parametrize(("direction", "place_of"), [(Direction.SPEAK, 0), (Direction.LISTEN, 1)])
def test_one_direction_is_one_track(tape: Tape, direction: Direction, place_of: int) -> None:
    """Speak is the inbound track and listen the outbound one, stereo or not."""

    sent = two_tracks(tape, 3)
    tape.close_segment()

    pcm, _ = _rendered([tape], RecordOptions(direction=direction, stereo=True))

    assert codecs.decode(sent[place_of], "PCMU") == pcm


@pytest.mark.parametrize("encoding", list(Encoding))
def test_each_encoding_is_decoded(encoding: Encoding) -> None:
    """A payload sounds as its encoding says."""

    tape = Tape(media=FakeMediaStore(), encoding=encoding)
    sent = noise(8000, 1, encoding)
    tape.hear(Track.INBOUND, sent, 0.0)
    tape.commit()
    tape.close_segment()

    pcm, _ = _rendered([tape], RecordOptions(direction=Direction.SPEAK))

    assert codecs.decode(sent, encoding) == pcm


def test_a_hole_is_silence(tape: Tape) -> None:
    """Where one track has nothing for a second, the other goes on beside silence."""

    whole, before, after = noise(24_000, 1), noise(8000, 2), noise(8000, 3)
    tape.hear(Track.INBOUND, whole, 0.0)
    tape.hear(Track.OUTBOUND, before, 0.0)
    tape.hear(Track.OUTBOUND, after, 2.0)
    tape.commit()
    tape.close_segment()

    pcm, _ = _rendered([tape], RecordOptions(stereo=True))

    outbound = codecs.decode(before, "PCMU") + silence(8000) + codecs.decode(after, "PCMU")
    assert interleave(codecs.decode(whole, "PCMU"), outbound) == pcm


def test_a_broken_payload_is_silence_and_told(tape: Tape) -> None:
    """A record that fails its CRC is a gap of its length; the rest is whole."""

    sent, _ = two_tracks(tape, 3)
    key = tape.close_segment()
    assert isinstance(tape.media, FakeMediaStore)
    body = tape.media.objects[key]
    broken = body.index(sent[8000 : 8000 + FRAME])
    tape.media.objects[key] = body[:broken] + b"\x00\x01" + body[broken + 2 :]

    pcm, corrupt = _rendered([tape], RecordOptions(direction=Direction.SPEAK))

    decoded = codecs.decode(sent, "PCMU")
    assert decoded[:16_000] + silence(8000) + decoded[32_000:] == pcm
    assert [
        Gap(track=Track.INBOUND, offset_ms=1000.0, duration_ms=1000.0, reason="corrupt")
    ] == corrupt


def test_broken_neighbours_are_one_gap(tape: Tape) -> None:
    """A body that was cut off is told once for each track."""

    two_tracks(tape, 4)
    key = tape.close_segment()
    assert isinstance(tape.media, FakeMediaStore)
    tape.media.objects[key] = tape.media.objects[key][:-20_000]

    _, corrupt = _rendered([tape], RecordOptions())

    assert [(Track.INBOUND, 3000.0, 1000.0), (Track.OUTBOUND, 2000.0, 2000.0)] == [
        (gap.track, gap.offset_ms, gap.duration_ms) for gap in corrupt
    ]


def test_an_object_that_vanishes_is_to_be_read_elsewhere(tape: Tape) -> None:
    """A journal object that the sweeper took meanwhile: a new plan finds its segment."""

    two_tracks(tape, 1)
    key = tape.close_segment()
    planned = _planned([tape], RecordOptions())
    tape.media.delete([key])

    with ThreadPoolExecutor(1) as executor, pytest.raises(Unavailable, match="vanished"):
        list(Rendering(planned, tape.media, executor).pcm())


def test_every_object_is_read_once(tape: Tape) -> None:
    """Two tracks of many segments cost one read each, in order."""

    keys = []
    for second in range(20):
        two_tracks(tape, 1, from_s=second)
        keys.append(tape.close_segment())
    planned = _planned([tape], RecordOptions(stereo=True))
    assert isinstance(tape.media, FakeMediaStore)
    tape.media.reads.clear()

    with ThreadPoolExecutor(1) as executor:
        for _ in Rendering(planned, tape.media, executor).pcm():
            pass

    assert keys == tape.media.reads


def test_objects_are_hashed_as_they_are_read(tape: Tape) -> None:
    """All of them, in order of first use, without another read."""

    keys = []
    for second in range(20):
        two_tracks(tape, 1, from_s=second)
        keys.append(tape.close_segment())
    planned = _planned([tape], RecordOptions(stereo=True))
    assert isinstance(tape.media, FakeMediaStore)
    tape.media.reads.clear()

    with ThreadPoolExecutor(2) as executor:
        rendering = Rendering(planned, tape.media, executor)
        for _ in rendering.pcm():
            pass
        read = rendering.read_objects()

    objects = tape.media.objects
    assert [(key, hashlib.sha256(objects[key]).digest()) for key in keys] == read
    assert keys == sorted(tape.media.reads)


def test_objects_that_nothing_was_taken_from_are_read_to_be_hashed(tape: Tape) -> None:
    """The chain is over the whole plan, however much of it was rendered."""

    two_tracks(tape, 1)
    key = tape.close_segment()

    with ThreadPoolExecutor(1) as executor:
        rendering = Rendering(_planned([tape], RecordOptions()), tape.media, executor)
        read = rendering.read_objects()

    assert [(key, hashlib.sha256(tape.media.get(key)).digest())] == read


def test_an_object_that_changes_between_two_reads_is_no_proof(tape: Tape) -> None:
    """What is read again must be what was read first."""

    keys = []
    for second in range(20):
        two_tracks(tape, 1, from_s=second)
        keys.append(tape.close_segment())
    planned = _planned([tape], RecordOptions())
    assert isinstance(tape.media, FakeMediaStore)

    with ThreadPoolExecutor(1) as executor:
        rendering = Rendering(planned, tape.media, executor)
        for _ in rendering.pcm():
            pass
        tape.media.objects[keys[0]] += b"more"
        first = planned.channels[0].lanes[0]
        with pytest.raises(Unavailable, match="differs"):
            rendering.piece(first, first.pieces[0])
