"""Calls that only newer code can bring to an end: nothing of them is ended or deleted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters.encoder import FileEncoder
from chalicelib.capture import container
from chalicelib.capture.container_index import Kind
from chalicelib.capture.redaction import Redaction
from chalicelib.errors import NewerForm
from chalicelib.recording import keys
from chalicelib.recording.manifest import parse_manifest
from chalicelib.recording.model import CallRef, Interval, State
from chalicelib.services.calls.newer import verify_known_call
from chalicelib.services.erasure.redact import redact_media
from chalicelib.services.finalization.assemble import Outcome, assemble
from chalicelib.services.finalization.attempts import NEWER_WAIT
from chalicelib.services.finalization.publish import Publishing, mark_error
from chalicelib.services.recovery.dead_workers import DeadWorkerCleaner, TakeoverController
from tests.capture.resealed import ENCODING, ENTRIES, HEADS, STREAM, resealed
from tests.captured import CALL, Tape, two_tracks
from tests.fake_signer import FakeSigner
from tests.fakes_media import FakeMediaStore, FakeRenditionStore
from tests.samples import a_call, a_joining, a_recording, a_stream, later
from tests.services.core_desk import Desk
from tests.services.recovery.test_orphans import WORKER, at, died
from tests.services.recovery.test_sweep import World


def spoken(world: World, dialect: str) -> None:
    """Let the streams of the world speak a dialect."""
    rows = world.desk.core.store.streams
    for key, stream in list(rows.items()):
        rows[key] = replace(stream, dialect=dialect)


def dead() -> World:
    """Return a world whose worker died in a call of a dialect of the future."""
    world = World()
    world.lease(at=0)
    world.desk.control.join_call(a_joining(opened_at=later(0)))
    world.journal()
    spoken(world, "future")
    return world


def test_a_dead_workers_stream_of_an_unknown_dialect_is_left() -> None:
    """The worker is dead, and its stream, call, recording and journal stay as they are; whoever
    knows the dialect ends them."""
    world = dead()

    done = world.sweep(later(60))
    assert (1, 1) == (done["dead_workers"], done["left_to_newer"])
    assert 1 == world.sweep(later(120))["left_to_newer"]
    assert [None] == [one.ended_at for one in world.desk.core.calls.streams(CALL.key)]
    assert ["recording"] == world.desk.states()
    assert 3 == len(world.media.objects)

    spoken(world, "bandwidth")
    world.sweep(later(180))
    world.sweep(later(240))
    assert ["finalizing"] == world.desk.states()


def test_a_due_call_of_an_unknown_dialect_is_left() -> None:
    """It is late, and nobody closes it who doesn't know what it says."""
    world = dead()
    call = world.desk.core.calls.get(CALL.key)
    assert call.due_at is not None

    assert world.sweep(call.due_at + timedelta(seconds=1))["left_to_newer"] > 0
    assert world.desk.core.calls.get(CALL.key).open


def test_a_call_of_an_unknown_carrier_is_left() -> None:
    """It is named in the error."""
    with pytest.raises(NewerForm, match="only newer code knows the carrier teledyne"):
        verify_known_call(CallRef(account="main", carrier="teledyne", call_id="c-1"))


def test_a_living_worker_leaves_what_it_does_not_know() -> None:
    """It declares the worker dead, and ends the streams that it knows."""
    world = dead()
    core = world.desk.core
    core.call_life.join(
        replace(core.calls.get(CALL.key), generation=2), a_stream(stream_key="stream-2")
    )
    clearing = DeadWorkerCleaner(
        control=world.desk.control,
        leases=core.leases,
        live_streams=core.live_streams,
        media=FakeMediaStore(),
    )
    (lease,) = core.leases.all()

    held = TakeoverController(clearing=clearing, now=lambda: later(60)).declare_dead(lease)

    assert ["stream-2"] == [stream.stream_key for stream in held]
    unknown = next(one for one in core.calls.streams(CALL.key) if one.dialect == "future")
    with pytest.raises(NewerForm, match="speaks future: only newer code knows it"):
        clearing.end_stream(unknown, lease, later(60))


def test_a_journal_with_an_unknown_stream_stays() -> None:
    """Nobody joined it, and only newer code can: its media isn't deleted with the journal."""
    world = died()
    journal(world, encoding="OPUS")

    assert 0 < world.sweep(at(60))["left_to_newer"]
    assert 0 < world.sweep(at(120))["left_to_newer"]

    assert 1 == len(world.media.objects)
    assert not world.desk.core.store.calls


def journal(world: World, encoding: str) -> None:
    """Put a journal object of a stream in any encoding."""
    key, drafts = keys.journal_key(WORKER, 0), FakeMediaStore()
    two_tracks(Tape(media=drafts, worker=WORKER, profile="front", stream_key="s9"), 1)
    world.media.put(key, encoded(drafts.get(key), encoding, "s9"))


def encoded(body: bytes, encoding: str, stream_key: str) -> bytes:
    """Return a container in which a stream has another encoding."""

    def change(index: list[Any]) -> None:
        for entry in index[ENTRIES]:
            if index[HEADS][entry[STREAM]][0] == stream_key:
                entry[ENCODING] = encoding

    return resealed(body, change)


@dataclass
class Stored:
    """A call of two streams whose last second lies in one journal object, finalizing."""

    media: FakeMediaStore = field(default_factory=FakeMediaStore)
    renditions: FakeRenditionStore = field(default_factory=FakeRenditionStore)
    desk: Desk = field(default_factory=Desk)
    recording_id: str = ""

    def __post_init__(self) -> None:
        core, tape = self.desk.core, Tape(media=self.media)
        two_tracks(tape, 2)
        core.store.streams[CALL.key, "s1"] = tape.row(complete=False)
        core.store.calls[CALL.key] = a_call(open=False)
        recording = a_recording(state=State.FINALIZING, attempt=3, intervals=(Interval(),))
        core.store.recordings[recording.recording_id] = recording
        self.recording_id = recording.recording_id

    def assemble(self) -> Outcome:
        """Assemble the recording."""
        return assemble(
            self.recording_id,
            3,
            recordings=self.desk.core.recordings,
            calls=self.desk.core.calls,
            media=self.media,
            renditions=self.renditions,
            encoder=FileEncoder(),
            now=lambda: later(100),
        ).outcome


def test_an_unknown_stream_in_the_same_journal_object_breaks_nothing() -> None:
    """What is known of the object is in the recording, and no gap is told."""
    stored, other = Stored(), FakeMediaStore()
    two_tracks(Tape(media=other, stream_key="s9"), 1)
    key = keys.journal_key("w1", 1)
    both = joined(stored.media.get(key), other.get(keys.journal_key("w1", 0)))
    whole = Stored()
    whole.assemble()

    stored.media.objects[key] = encoded(both, "OPUS", "s9")
    assert Outcome.ASSEMBLED == stored.assemble()

    wav = keys.rendition_key("main", stored.recording_id, "wav")
    assert whole.renditions.objects[wav] == stored.renditions.objects[wav]
    manifest = parse_manifest(
        stored.renditions.get_text(keys.manifest_key("main", stored.recording_id))
    )
    assert ((), "") == (manifest.gaps, manifest.quality.degraded)


def joined(one: bytes, other: bytes) -> bytes:
    """Return a journal object that holds what both hold."""
    parts = [container.decode(body) for body in (one, other)]
    return container.encode(
        [head for part in parts for head in part.heads],
        [record for part in parts for record in part.records],
        kind=Kind.JOURNAL,
        worker="w1",
    )


def test_media_in_an_unknown_encoding_is_not_assembled() -> None:
    """Nothing is stored, and the error says whose it is."""
    stored = Stored()
    key = keys.journal_key("w1", 1)
    stored.media.objects[key] = encoded(stored.media.get(key), "OPUS", "s1")

    with pytest.raises(NewerForm, match="only newer code reads streams"):
        stored.assemble()
    assert {} == stored.renditions.objects


def test_a_stream_of_an_unknown_dialect_is_not_assembled() -> None:
    """Its place on the clock may be another than ours would be."""
    stored = Stored()
    rows = stored.desk.core.store.streams
    rows[CALL.key, "s1"] = replace(rows[CALL.key, "s1"], dialect="future")

    with pytest.raises(NewerForm, match="speaks future"):
        stored.assemble()


def test_a_finalization_that_only_newer_code_can_do_is_tried_every_hour() -> None:
    """After the last attempt, too: the recording ends in no error."""
    stored = Stored()
    needs = Publishing(
        calls=stored.desk.core.calls,
        transitions=stored.desk.transitions,
        renditions=stored.renditions,
        signer=FakeSigner(),
        now=lambda: later(100),
    )

    left = mark_error(stored.recording_id, 3, "NewerForm", needs)

    assert (State.FINALIZING, 4) == (left.state, left.attempt)
    assert (later(100) + NEWER_WAIT,) * 2 == (left.due_at, left.attempt_at)
    assert State.ERROR == mark_error(stored.recording_id, 4, "CorruptContainer", needs).state


@pytest.mark.parametrize("ours", ["s1", "s9"])
def test_nothing_is_erased_beside_what_is_not_known(ours: str) -> None:
    """An object of which not all can be read is neither deleted nor written again, whether its
    unknown stream is the one to erase or another."""
    stored, other = Stored(), FakeMediaStore()
    two_tracks(Tape(media=other, stream_key="s9"), 1)
    key = keys.journal_key("w1", 1)
    both = joined(stored.media.get(key), other.get(keys.journal_key("w1", 0)))
    stored.media.objects = {key: encoded(both, "OPUS", "s9")}
    before = dict(stored.media.objects)
    stream = stored.desk.core.store.streams[CALL.key, "s1"]
    all_of_it = Redaction(streams={ours}, before_us=2**60)

    with pytest.raises(NewerForm, match="only newer code reads streams"):
        redact_media([replace(stream, stream_key=ours)], all_of_it, stored.media)
    assert before == stored.media.objects
