"""Media that a worker captured alone, in a database outage that it didn't survive."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.adapters.encoder import FileEncoder
from chalicelib.capture.container import encode
from chalicelib.capture.container_index import Kind
from chalicelib.capture.events import Encoding, Track
from chalicelib.errors import Unavailable
from chalicelib.media import codecs
from chalicelib.media.wav import parse
from chalicelib.recording import keys
from chalicelib.recording.model import CallRef, Ending, RecordOptions, State
from chalicelib.services.finalization.assemble import assemble
from chalicelib.services.recovery.orphans import OrphanAdopter
from tests.captured import CALL, OPENED_US, Tape, noise, two_tracks
from tests.fakes_media import FakeMediaStore, FakeRenditionStore
from tests.samples import a_joining, a_lease, a_profile
from tests.services.core_desk import Desk
from tests.services.recovery.test_sweep import World

WORKER = "w1"
OPENED = datetime.fromtimestamp(OPENED_US / 1_000_000, UTC)


def at(seconds: float) -> datetime:
    """Return a moment after the stream opened."""
    return OPENED + timedelta(seconds=seconds)


def alone(media: FakeMediaStore) -> tuple[bytes, bytes]:
    """Let a worker capture three seconds of a call that it never joined; return its tracks."""
    return two_tracks(Tape(media=media, worker=WORKER, profile="front"), 3)


def died(desk: Desk | None = None) -> World:
    """Return a world in which that worker renewed for the last time as the stream opened."""
    world = World(desk)
    lease = a_lease(worker=WORKER, renewed_at=at(0), started_at=at(-60))
    world.desk.core.leases.renew(lease)
    return world


def test_what_was_captured_alone_becomes_a_recording() -> None:
    """The stream joins and ends in its worker's place; every sample of it is in the file."""

    world = died(Desk(a_profile(record_call=RecordOptions(stereo=True))))
    inbound, outbound = alone(world.media)

    assert {"dead_workers": 1, "streams_adopted": 1} == world.sweep(at(60))
    world.sweep(at(120))

    (stream,) = world.desk.core.calls.streams(CALL.key)
    assert (WORKER, Ending.DEAD, False, (Track.INBOUND, Track.OUTBOUND), 0) == (
        stream.worker,
        stream.ending,
        stream.complete,
        stream.tracks,
        stream.journal_from,
    )
    assert (OPENED, Encoding.PCMU) == (stream.opened_at, stream.encoding)
    assert stream.ended_at is not None
    assert 3.0 <= (stream.ended_at - OPENED).total_seconds() < 3.2
    ((recording_id, attempt),) = world.desk.workflows.finalizations
    pcm = heard(world, recording_id, attempt)
    assert codecs.decode(inbound, Encoding.PCMU) == pcm[0]
    assert codecs.decode(outbound, Encoding.PCMU) == pcm[1]


def heard(world: World, recording_id: str, attempt: int) -> tuple[bytes, bytes]:
    """Return the channels of the recording's rendition."""
    store = FakeRenditionStore()
    assemble(
        recording_id,
        attempt,
        recordings=world.desk.core.recordings,
        calls=world.desk.core.calls,
        media=world.media,
        renditions=store,
        encoder=FileEncoder(),
        now=lambda: world.now,
    )
    file = store.objects[keys.rendition_key("main", recording_id, "wav")]
    head = parse(file)
    size = 2 * head.channels * head.samples
    sound = memoryview(file)[head.header_size : head.header_size + size].cast("H")
    return sound[::2].tobytes(), sound[1::2].tobytes()


def test_it_ends_with_the_track_that_was_heard_longest() -> None:
    """In whatever order the journal has the tracks."""

    world = died()
    tape = Tape(media=world.media, worker=WORKER, profile="front")
    tape.hear(Track.INBOUND, noise(24_000, 1), 0)
    tape.hear(Track.OUTBOUND, noise(8000, 2), 0)
    tape.commit()

    world.sweep(at(60))

    (stream,) = world.desk.core.calls.streams(CALL.key)
    assert stream.ended_at is not None
    assert (stream.ended_at - OPENED).total_seconds() >= 3.0


def test_another_call_that_waits_holds_nothing_up() -> None:
    """A recording that failed keeps the journal for a retry; what never joined doesn't wait."""

    world = died()
    alone(world.media)
    other = CallRef(account="main", carrier="bandwidth", call_id="c-2")
    world.desk.control.join_call(a_joining(call=other, worker=WORKER, opened_at=at(0)))
    (waits,) = world.desk.core.recordings.of_call(other.key)
    world.desk.core.store.recordings[waits.recording_id] = replace(
        waits, state=State.ERROR, attempt=3
    )

    assert 1 == world.sweep(at(60))["streams_adopted"]
    assert ["finalizing"] == world.desk.states()


def test_its_journal_goes_when_it_is_through() -> None:
    """Not before the recording is made, and then all of it, with the worker."""

    world = died()
    alone(world.media)
    world.sweep(at(60))
    world.sweep(at(120))
    assert 3 == len(world.media.objects)

    recording = world.desk.recording()
    world.desk.core.store.recordings[recording.recording_id] = replace(
        recording, state=State.FINISHED
    )
    world.sweep(at(180))

    assert ({}, []) == (world.media.objects, world.desk.core.leases.all())


def test_a_call_that_nobody_records_is_no_recording() -> None:
    """The call is known then, and its media goes."""

    world = died(Desk(a_profile(record_call=None)))
    alone(world.media)

    for minute in (1, 2, 3):
        world.sweep(at(60 * minute))

    assert ([], {}) == (world.desk.recordings(), world.media.objects)
    assert not world.desk.core.calls.get(CALL.key).open


def test_a_stream_that_joined_is_left_alone() -> None:
    """Whoever's it is by now."""

    media, desk = FakeMediaStore(), Desk()
    alone(media)
    desk.control.join_call(a_joining(stream_key="s1", worker="another"))

    assert 0 == OrphanAdopter(control=desk.control, media=media).adopt(WORKER)


@pytest.mark.parametrize("profile", [None, a_profile(dialect="signalwire-tap")])
def test_a_stream_that_may_not_join_is_left(profile: object) -> None:
    """Its profile was deleted, or is another carrier's by now."""

    world = died()
    alone(world.media)
    if profile is None:
        world.desk.core.store.profiles.clear()
    else:
        world.desk.core.store.profiles["main", "front"] = profile  # type: ignore[assignment]

    world.sweep(at(60))

    assert ({}, {}) == (world.desk.core.store.streams, world.media.objects)


def test_what_an_older_worker_wrote_names_no_profile() -> None:
    """It goes as it always went; so do broken objects and heads without media."""

    world = died()
    two_tracks(Tape(media=world.media, worker=WORKER), 2)
    world.media.put(keys.journal_key(WORKER, 7), b"broken")
    head = Tape(media=FakeMediaStore(), worker=WORKER, profile="front").head()
    world.media.put(
        keys.journal_key(WORKER, 8), encode([head], [], kind=Kind.JOURNAL, worker=WORKER)
    )

    world.sweep(at(60))

    assert ({}, {}) == (world.desk.core.store.streams, world.media.objects)


def test_a_carrier_s_own_encoding_comes_before_the_profile_s() -> None:
    """What wasn't said in band is the profile's."""

    media, desk = FakeMediaStore(), Desk(a_profile(encoding=Encoding.PCMA))
    two_tracks(Tape(media=media, worker=WORKER, profile="front", said=Encoding.PCMU), 1)
    two_tracks(Tape(media=media, worker=WORKER, stream_key="s2", profile="front", number=1), 1)

    assert 2 == OrphanAdopter(control=desk.control, media=media).adopt(WORKER)

    streams = {one.stream_key: one for one in desk.core.calls.streams(CALL.key)}
    assert (Encoding.PCMU, 0) == (streams["s1"].encoding, streams["s1"].journal_from)
    assert (Encoding.PCMA, 1) == (streams["s2"].encoding, streams["s2"].journal_from)


def test_a_crash_at_any_port_call_loses_nothing() -> None:
    """Whichever call of a sweep fails, later sweeps bring it to the same end."""

    expected = died()
    alone(expected.media)
    begun = expected.desk.core.faults.calls
    expected.sweep(at(60))
    calls = expected.desk.core.faults.calls - begun
    expected.sweep(at(120))

    for number in range(1, calls + 1):
        for fail in ("before", "after"):
            world = died()
            alone(world.media)
            getattr(world.desk.core.faults, fail)(number)
            with suppress(Unavailable):
                world.sweep(at(60))
            world.desk.core.faults.up()
            for minute in (2, 3, 4):
                world.sweep(at(60 * minute))

            assert ["finalizing"] == world.desk.states(), (fail, number)
            assert 3 == len(world.media.objects), (fail, number)
