"""A recording is erased: its sound is searched for in every object, and others' is not missed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.adapters.encoder import FileEncoder
from chalicelib.capture.container import decode, encode
from chalicelib.capture.container_index import Kind
from chalicelib.capture.events import Track
from chalicelib.errors import TapedeckError, Unavailable
from chalicelib.recording import erasure
from chalicelib.recording import keys as naming
from chalicelib.recording.erasure import RIPE_AFTER
from chalicelib.recording.model import (
    Direction,
    Interval,
    Recording,
    RecordingOrigin,
    RecordOptions,
    State,
    Stream,
)
from chalicelib.recording.outbox import RecordingEvent
from chalicelib.services.erasure.erase import LAST_MEDIA, LATE_WRITES, Eraser
from chalicelib.services.finalization.assemble import assemble
from tests.captured import CALL, OPENED_US, Tape, noise, two_tracks
from tests.fakes import FakeCore, Faults
from tests.fakes_media import FakeMediaStore, FakeRenditionStore, FakeRenditionVersions

BEGAN = datetime.fromtimestamp(OPENED_US / 1_000_000, UTC)
SECONDS = 8
FRAME = 160


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def us(seconds: float) -> int:
    return OPENED_US + round(seconds * 1_000_000)


def a_recording(recording_id: str, *intervals: Interval, **facts: Any) -> Recording:
    recording = Recording(
        recording_id=recording_id,
        call=CALL,
        control_id=recording_id,
        state=State.FINISHED,
        version=1,
        round=1,
        options=RecordOptions(stereo=True),
        profile="p",
        created_at=BEGAN,
        started_at=BEGAN,
        intervals=intervals or (Interval(),),
        attempt=1,
        reason="stop",
    )
    return replace(recording, **facts)


def discarded(**facts: Any) -> Recording:
    recording = a_recording("gone", state=State.ERROR, reason="discard", attempt=0)
    return replace(erasure.asked(recording, at(SECONDS)), **facts)


def deleted(**facts: Any) -> Recording:
    return erasure.tombstone(replace(a_recording("gone"), **facts), at(SECONDS))


class World:
    """A call of eight seconds on two tracks, in segments of two seconds, and its recordings."""

    def __init__(self, *recordings: Recording) -> None:
        self.core = FakeCore()
        self.faults = Faults()
        self.media = FakeMediaStore()
        self.renditions = FakeRenditionStore()
        self.versions = FakeRenditionVersions(self.renditions)
        self.tape = Tape(media=self.media)
        self.sent: tuple[bytes, bytes] = (b"", b"")
        for second in range(0, SECONDS, 2):
            sent = two_tracks(self.tape, 2, from_s=second, seed=second)
            self.sent = (self.sent[0] + sent[0], self.sent[1] + sent[1])
            self.tape.close_segment()
        self.stream(self.tape.row())
        for recording in recordings:
            self.write(recording)

    def write(self, recording: Recording) -> None:
        """Write a row."""
        event = RecordingEvent(recording_id=recording.recording_id, at=BEGAN, event="created")
        self.core.recordings.create(recording, event, None)

    def stream(self, stream: Stream) -> None:
        """Write a stream's row."""
        self.core.store.streams[CALL.key, stream.stream_key] = stream

    def sweep_journal(self) -> None:
        """Delete the journal, as the sweeper does when segments cover it."""
        self.media.delete(list(self.media.keys("journal/")))

    def erase(self, now: datetime | None = None, recording_id: str = "gone") -> str:
        """Do what is due."""
        erasing = Eraser(
            recordings=self.faults.wrap(self.core.recordings),
            calls=self.faults.wrap(self.core.calls),
            media=self.faults.wrap(self.media),
            versions=self.faults.wrap(self.versions),
        )
        recording = self.row(recording_id)
        return erasing.advance(recording, now or at(SECONDS) + RIPE_AFTER)

    def row(self, recording_id: str = "gone") -> Recording:
        """Return a recording as stored."""
        return self.core.store.recordings[recording_id]

    def make(self, recording_id: str) -> bytes:
        """Return a recording's rendition as the media now gives it."""
        made = FakeRenditionStore()
        assemble(
            recording_id,
            1,
            recordings=self.core.recordings,
            calls=self.core.calls,
            media=self.media,
            renditions=made,
            encoder=FileEncoder(),
            now=lambda: BEGAN,
        )
        return b"".join(made.objects[key] for key in sorted(made.objects) if "wav" in key)

    def frames(self, from_s: float, to_s: float, track: int = 0) -> list[bool]:
        """Tell of each frame of a stretch whether any object holds it."""
        everything = b"\0".join([*self.media.objects.values(), *self.renditions.objects.values()])
        sent = self.sent[track]
        begin, end = round(from_s * 8000), round(to_s * 8000)
        return [sent[place : place + FRAME] in everything for place in range(begin, end, FRAME)]

    def events(self) -> list[str]:
        """Return what happened to the recording."""
        return [event.event for event in self.core.history.events("gone")]


def test_nothing_is_left_where_nobody_else_recorded() -> None:
    """Segments and journal objects of the call are gone, and the row says so."""

    world = World(discarded())

    assert "recordings_erased" == world.erase()

    assert {} == world.media.objects
    done = world.row()
    assert (at(SECONDS) + RIPE_AFTER, None) == (done.erasure and done.erasure.ended_at, done.due_at)
    assert ["created", "erased"] == world.events()


def test_what_another_recording_shows_stays_bit_for_bit() -> None:
    """The rest is in no object; the other one's rendition can be made again, the same."""

    other = a_recording("other", Interval(from_us=us(3.5), to_us=us(6.25)))
    world = World(discarded(), other)
    world.sweep_journal()
    before = world.make("other")

    world.erase()

    assert not any(world.frames(0, 3.48) + world.frames(6.28, 8))
    assert not any(world.frames(0, 3.48, track=1) + world.frames(6.28, 8, track=1))
    assert all(world.frames(3.52, 6.22) + world.frames(3.52, 6.22, track=1))
    assert before == world.make("other")


def test_the_other_side_goes_where_it_is_shown_by_nobody() -> None:
    """A recording of one track keeps that one."""

    options = RecordOptions(direction=Direction.SPEAK)
    world = World(discarded(), a_recording("other", options=options))
    world.sweep_journal()
    before = world.make("other")

    world.erase()

    assert all(world.frames(0, 8))
    assert not any(world.frames(0, 8, track=1))
    assert before == world.make("other")


@pytest.mark.parametrize("journal_from", [0, 3])
def test_the_journal_of_a_dead_worker_is_redacted(journal_from: int) -> None:
    """Other calls' records stay in it; it needs no segment that covers them."""

    world = World(discarded())
    world.stream(replace(world.tape.row(), journal_from=journal_from))
    key = naming.journal_key("w1", 3)
    foreign = Tape(media=FakeMediaStore(), stream_key="other-call")
    foreign.hear(Track.INBOUND, noise(8000, 99), 3)
    foreign.commit()
    world.media.objects = {key: _joined(world.media.objects[key], foreign.media.get(foreign_key()))}

    world.erase()

    (left,) = world.media.objects
    assert key < left < naming.journal_key("w1", 4)
    assert not any(world.frames(0, 8) + world.frames(0, 8, track=1))
    assert noise(8000, 99)[:FRAME] in world.media.objects[left]


def foreign_key() -> str:
    return naming.journal_key("w1", 0)


def _joined(one: bytes, other: bytes) -> bytes:
    """Return a journal object that holds what two hold."""
    a, b = decode(one), decode(other)
    records = (*a.records, *b.records)
    return encode((*a.heads, *b.heads), records, kind=Kind.JOURNAL, worker="w1")


def test_what_another_round_captured_stays() -> None:
    """No recording of it is gone, and none of this round shows it."""

    world = World(discarded())
    tape = Tape(media=world.media, stream_key="s2", segments=world.tape.segments, number=8)
    tape.hear(Track.INBOUND, noise(8000, 50), SECONDS)
    tape.commit()
    kept = tape.close_segment()
    world.stream(tape.row(round_=2))

    world.erase()

    assert kept in world.media.objects
    assert not any(world.frames(0, SECONDS))


def test_the_journal_is_redacted_until_the_last_of_its_streams_ended() -> None:
    """A call may stream, be silent for minutes, and stream again."""

    asked_at = at(310)
    recording = a_recording("gone", state=State.ERROR, reason="discard", attempt=0)
    world = World(erasure.asked(recording, asked_at))
    tape = Tape(media=world.media, stream_key="s0", number=world.tape.number)
    tape.hear(Track.INBOUND, noise(8000, 50), 302)
    tape.commit()
    world.stream(replace(world.tape.row(), ended_at=at(SECONDS)))
    world.stream(replace(tape.row(), journal_from=8, ended_at=at(303)))

    world.erase(asked_at + RIPE_AFTER)

    assert [] == list(world.media.keys("journal/"))


def test_what_came_after_is_not_looked_at() -> None:
    """The journal goes on with other calls: the first newer object ends the search."""

    world = World(discarded())
    world.sweep_journal()
    later = Tape(media=world.media, stream_key="other-call", number=100)
    for minute in range(1, 6):
        later.hear(Track.INBOUND, noise(FRAME, minute), SECONDS + 60 * minute)
        later.commit()
    world.media.reads.clear()

    world.erase()

    read = {key for key in world.media.reads if key.startswith("journal/")}
    assert {naming.journal_key("w1", 100)} == read
    assert 5 == len(list(world.media.keys("journal/")))


def test_before_it_is_ripe_only_renditions_go() -> None:
    """The media follows when a living worker has stored what it holds."""

    world = World(deleted())
    world.renditions.put_text("recordings/main/gone/manifest.json", "{}", {})
    world.renditions.put_text("recordings/main/other/manifest.json", "{}", {})

    assert "renditions_erased" == world.erase(at(SECONDS + 30))

    assert ["recordings/main/other/manifest.json"] == list(world.renditions.objects)
    assert all(world.frames(0, 8))
    assert at(SECONDS) + RIPE_AFTER == world.row().due_at


def test_a_live_recording_keeps_what_it_shows_so_far() -> None:
    """And all that comes."""

    other = a_recording("other", Interval(from_us=us(4)), state=State.RECORDING, attempt=0)
    world = World(discarded(), other)
    world.sweep_journal()

    world.erase()

    assert not any(world.frames(0, 3.98))
    assert all(world.frames(4.02, 8))


@pytest.mark.parametrize(
    "other",
    [
        a_recording("other", state=State.ERROR, attempt=0, reason="no_media"),
        a_recording("other", source=RecordingOrigin.CARRIER),
        a_recording("other", round=2),
        erasure.asked(a_recording("other"), at(3)),
    ],
    ids=["failed for want of media", "fetched from the carrier", "of a later round", "erased"],
)
def test_who_shows_nothing_of_it_keeps_nothing(other: Recording) -> None:
    """Only what a rendition could still be made of is kept."""

    world = World(discarded(), other)

    world.erase()

    assert {} == world.media.objects


def test_one_that_may_be_retried_keeps_what_it_shows() -> None:
    """An error whose finalization failed has its media."""

    world = World(discarded(), a_recording("other", state=State.ERROR, attempt=3))
    world.sweep_journal()
    before = dict(world.media.objects)

    world.erase()

    assert before == world.media.objects


def test_a_recording_that_may_show_all_is_waited_for() -> None:
    """One that waits for its first media has no intervals yet."""

    waiting = a_recording("other", state=State.PENDING, attempt=0)
    settled = a_recording("third", Interval(from_us=us(2), to_us=us(4)))
    world = World(discarded(), settled, replace(waiting, intervals=(), started_at=None))

    assert "" == world.erase()

    assert all(world.frames(0, 8))
    assert at(SECONDS) + RIPE_AFTER + timedelta(minutes=1) == world.row().due_at


def test_the_last_recording_takes_the_facts_with_it() -> None:
    """When both are erased, nothing is left of what the first one left."""

    world = World(discarded(), a_recording("other", Interval(from_us=us(4))))
    world.sweep_journal()
    world.erase()
    assert 4 == len(world.media.objects)
    other = world.row("other")
    world.core.store.recordings["other"] = erasure.asked(other, at(SECONDS + 5))

    world.erase(at(SECONDS + 5) + RIPE_AFTER, "other")

    assert {} == world.media.objects


def test_an_execution_that_still_runs_is_followed_up() -> None:
    """What it may have stored since goes in a second look."""

    began = at(SECONDS - 1)
    world = World(replace(discarded(), attempt=1, attempt_at=began))
    world.erase()
    assert began + LATE_WRITES == world.row().due_at
    world.renditions.put_text("recordings/main/gone/manifest.json", "{}", {})

    assert "erasures_verified" == world.erase(began + LATE_WRITES)

    assert {} == world.renditions.objects
    assert None is world.row().due_at


def test_a_locked_version_is_tried_again_tomorrow() -> None:
    """It is told, and nothing else waits for it meanwhile."""

    world = World(deleted())
    key = "recordings/main/gone/recording.wav"
    world.renditions.put_text(key, "x", {})
    world.versions.locked[key] = at(1e6)

    assert "erasures_locked" == world.erase()

    assert ["created", "erasure_locked"] == world.events()
    assert at(SECONDS) + RIPE_AFTER + timedelta(days=1) == world.row().due_at


def test_a_segment_that_nobody_can_read_goes() -> None:
    """Unless somebody still waits for what it held."""

    broken = naming.segment_key(CALL.key, "w1", 1)
    alone, shared = World(discarded()), World(discarded(), a_recording("other"))
    for world in (alone, shared):
        world.sweep_journal()
        world.media.objects[broken] = b"TDK1 nonsense"
        world.erase()

    assert {} == alone.media.objects
    assert broken in shared.media.objects


@st.composite
def shown(draw: st.DrawFn) -> Recording:
    """Draw a recording with any options that shows up to three stretches of the call."""
    marks = draw(st.lists(st.integers(0, 8000), min_size=2, max_size=6, unique=True).map(sorted))
    pairs = zip(marks[::2], marks[1::2], strict=False)
    intervals = [
        Interval(from_us=us(a / 1000), to_us=us(b / 1000), silent=draw(st.booleans()))
        for a, b in pairs
    ]
    direction, stereo = draw(st.sampled_from(Direction)), draw(st.booleans())
    options = RecordOptions(direction=direction, stereo=stereo)
    return a_recording("other", *intervals, options=options)


@settings(max_examples=25, deadline=None)
@given(other=shown(), swept=st.booleans())
def test_exactly_what_another_one_shows_is_left(other: Recording, swept: bool) -> None:
    """Whatever it shows: its rendition is the same, and of the rest no whole frame is stored."""
    world = World(discarded(), other)
    if swept:
        world.sweep_journal()
    before = world.make("other")

    world.erase()

    assert before == world.make("other")
    sounding = [one for one in other.intervals if not one.silent]
    wanted = (Direction.SPEAK, Direction.LISTEN)
    for track, side in enumerate(wanted):
        is_shown = other.options.direction in (side, Direction.BOTH)
        frames = world.frames(0, SECONDS, track)
        for number, is_stored in enumerate(frames):
            begin, end = us(number * 0.02), us(number * 0.02 + 0.02)
            if is_shown and any(_is_within(one, begin, end) for one in sounding):
                assert is_stored, (track, number)
            elif not is_shown or not any(_touches(one, begin, end) for one in sounding):
                assert not is_stored, (track, number)


def _is_within(interval: Interval, begin: int, end: int) -> bool:
    assert interval.from_us is not None
    assert interval.to_us is not None
    return interval.from_us <= begin - 1000 and end + 1000 <= interval.to_us


def _touches(interval: Interval, begin: int, end: int) -> bool:
    assert interval.from_us is not None
    assert interval.to_us is not None
    return interval.from_us < end + 1000 and begin - 1000 < interval.to_us


@pytest.mark.parametrize("acts", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("shared", [True, False])
def test_a_crash_at_any_call_changes_nothing_in_the_end(acts: bool, shared: bool) -> None:
    """Whatever fails, and whenever: the next run goes on, nothing readable is ever half there."""

    others = [a_recording("other", Interval(from_us=us(3.5), to_us=us(6.25)))] if shared else []

    def world() -> World:
        made = World(deleted(), *others)
        made.renditions.put_text("recordings/main/gone/manifest.json", "{}", {})
        return made

    whole = world()
    whole.erase()
    for n in range(1, whole.faults.calls + 1):
        again = world()
        (again.faults.after if acts else again.faults.before)(n)
        _twice(again.erase)
        assert whole.media.objects == again.media.objects, n
        assert {} == again.renditions.objects
        assert not shared or again.make("other") == whole.make("other")
        assert again.row() == replace(whole.row(), version=again.row().version)


def test_the_carriers_own_recording_shows_nothing_of_ours() -> None:
    """Deleting it leaves the call's media alone."""

    world = World(deleted(source=RecordingOrigin.CARRIER))

    assert "recordings_erased" == world.erase()

    assert all(world.frames(0, 8))


def test_a_withdrawn_recording_had_nothing() -> None:
    """A call that never streamed has no media to look for."""

    world = World(discarded())
    world.core.store.streams.clear()
    before = dict(world.media.objects)

    assert "recordings_erased" == world.erase()

    assert before == world.media.objects


def test_a_journal_that_goes_or_breaks_meanwhile_is_passed_over() -> None:
    """The sweeper deletes what segments cover; what nobody can read goes with the rest later."""

    world = World(discarded())
    broken = naming.journal_key("w1", 0)
    world.media.objects[broken] = b"TDK1 nonsense"
    covered = naming.journal_key("w1", 2)
    reading = world.media.get

    def get(key: str) -> bytes:
        if key == covered:
            world.media.delete([covered])
        return reading(key)

    world.media.get = get  # type: ignore[method-assign]  # a store that changes while it is read
    world.erase()

    assert [broken] == list(world.media.objects)


def test_media_that_comes_back_again_and_again_is_left_to_the_next_sweep() -> None:
    """It isn't called erased before a look finds nothing."""

    world = World(discarded())
    key, body = next(iter(world.media.objects.items()))
    deleting = world.media.delete

    def delete(keys: list[str]) -> None:
        deleting(keys)
        world.media.put(key, body)

    world.media.delete = delete  # type: ignore[method-assign]  # as if another put it again
    with pytest.raises(Unavailable):
        world.erase()

    assert world.row().erasure == discarded().erasure


def test_two_erasures_at_once_leave_no_more_than_one() -> None:
    """One that takes less out in the midst of another's work puts back nothing of it."""

    def world() -> World:
        keeps = a_recording("other", Interval(from_us=us(3.5), to_us=us(6.25)))
        early = erasure.asked(a_recording("early"), at(4) - LAST_MEDIA)
        made = World(discarded(), early, keeps)
        made.sweep_journal()
        return made

    whole = world()
    whole.erase()
    for n in range(1, whole.faults.calls + 1):
        again = world()
        again.faults.meanwhile(n, partial(again.erase, recording_id="early"))
        _twice(again.erase)
        assert whole.media.objects == again.media.objects, n


def _twice(erase: Callable[[], str]) -> None:
    for _ in range(2):
        try:
            erase()
        except TapedeckError:
            continue
        return
    raise AssertionError("it failed twice")
