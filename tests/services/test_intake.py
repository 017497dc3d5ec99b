from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.dialects.webhooks.base import (
    CarrierRecording,
    EventFacts,
    StreamAnnounced,
    StreamState,
    UnknownEvent,
    WebhookEvent,
)
from chalicelib.errors import PreconditionFailed, Unavailable
from chalicelib.port_values import InboundEvent, Requested
from chalicelib.ports import Recordings
from chalicelib.recording import naming
from chalicelib.recording.announcements import Announcement
from chalicelib.recording.model import (
    Call,
    Ending,
    Profile,
    Recording,
    RecordingEvent,
    RecordOptions,
    State,
)
from chalicelib.services.intake import ATTEMPTS, IntakeStores, take_in
from tests.fakes import FakeCore
from tests.samples import CALL, T0, a_call, a_profile, a_recording, a_stream, an_event, later

ANNOUNCED_FOR = timedelta(seconds=15)
DEFAULT_CONTROL_ID = naming.default_control_id(CALL.key, 1)


def facts(key: str, at: datetime | None, tag: str = "") -> EventFacts:
    return EventFacts(
        carrier="bandwidth",
        event_type=f"event-{key.partition('@')[0]}",
        event_time=at,
        dedupe_key=key,
        body=json.dumps({"key": key}),
        call_id="c-1",
        carrier_call_id="c-1",
        labels={"tag": tag} if tag else {},
    )


def stream_event(
    state: StreamState, seconds: float, stream: str = "s-1", tag: str = "", **more: object
) -> StreamAnnounced:
    event = StreamAnnounced(
        facts=facts(f"{stream} {state}@{seconds}", later(seconds), tag),
        state=state,
        carrier_stream_id=stream,
        cause="closed" if state is StreamState.STOPPED else "",
    )
    return replace(event, **more)  # type: ignore[arg-type]  # fields by name


STARTED = stream_event(StreamState.STARTED, 0)
STOPPED = stream_event(StreamState.STOPPED, 60)


def stores(core: FakeCore) -> IntakeStores:
    return IntakeStores(inbox=core.inbox, calls=core.calls, recordings=core.recordings)


def take(
    core: FakeCore, *events: WebhookEvent, profile: Profile | None = None, at: float = 1
) -> list[bool]:
    return [
        take_in(
            event,
            profile or a_profile(),
            stores(core),
            now=later(at),
            announced_for=ANNOUNCED_FOR,
        )
        for event in events
    ]


def state_of(core: FakeCore) -> object:
    """Return everything that webhooks may change, but for counters and the order of lines."""
    said = {key: replace(row, version=0) for key, row in core.store.announcements.items()}
    recordings = {key: replace(row, version=0) for key, row in core.store.recordings.items()}
    return said, recordings, core.store.calls, core.store.inbound


EVENTS: list[WebhookEvent] = [
    STARTED,
    STOPPED,
    stream_event(StreamState.STARTED, 1, "s-2", tag="vip"),
    stream_event(StreamState.REJECTED, 2, "s-3"),
    stream_event(StreamState.REJECTED, 3, "s-4", original_stream_id="s-1"),
    CarrierRecording(facts=facts("recorded@5", later(5)), status="complete", is_available=True),
    UnknownEvent(facts=facts("odd@6", later(6))),
]


@given(
    order=st.permutations(EVENTS),
    chosen=st.integers(1, len(EVENTS)),
    repeated=st.lists(st.integers(0, 6), max_size=5),
)
def test_neither_order_nor_repetition_of_events_shows(
    order: list[WebhookEvent], chosen: int, repeated: list[int]
) -> None:
    """Up to seven events in any order, with up to five duplicates among them, end in one state."""

    events = order[:chosen]
    straight, shuffled = FakeCore(), FakeCore()
    take(straight, *sorted(events, key=EVENTS.index))

    take(shuffled, *events)
    again = take(shuffled, *(events[number % chosen] for number in repeated))

    assert not any(again)
    assert state_of(straight) == state_of(shuffled)
    assert len(shuffled.store.recordings) <= 1
    assert {} == shuffled.store.outbox


def test_an_announced_stream_makes_its_recording_wait_for_media() -> None:
    """A profile that records by default gets a pending recording, due when media is missed."""

    core = FakeCore()

    assert [True] == take(core, STARTED)

    (recording,) = core.recordings.of_call(CALL.key)
    assert (State.PENDING, DEFAULT_CONTROL_ID) == (recording.state, recording.control_id)
    assert (1, later(16)) == (recording.round, recording.due_at)
    assert {"desk": "front"} == recording.labels
    assert ["requested"] == [e.event for e in core.history.events(recording.recording_id)]


def test_an_event_is_stored_once() -> None:
    """The second delivery of an event is known, and its call is made once."""

    core = FakeCore()

    assert [True, False] == take(core, STARTED, STARTED)
    assert ["event-s-1 started"] == [event.event_type for event in core.inbox.events(CALL.key)]
    assert (False, 0) == (core.calls.get(CALL.key).open, core.calls.get(CALL.key).round)


def test_a_profile_that_records_on_request_waits_for_nothing() -> None:
    """Without default options, an announcement makes no recording."""

    core = FakeCore()

    take(core, STARTED, profile=a_profile(record_call=None))

    assert [] == core.recordings.of_call(CALL.key)


def test_a_stream_whose_media_came_first_waits_for_nothing() -> None:
    """An announcement that comes after its stream changes no recording."""

    core = FakeCore()
    core.call_life.join(a_call(), a_stream())
    made = core.recordings.create(a_recording(), an_event(a_recording()), None)

    take(core, STARTED)

    assert [made] == core.recordings.of_call(CALL.key)


def test_the_carrier_s_tag_reaches_a_recording_that_was_there_first() -> None:
    """Labels of a late webhook are put on the call's recordings."""

    core = FakeCore()
    core.call_life.join(a_call(), a_stream())
    made = core.recordings.create(a_recording(), an_event(a_recording()), None)

    take(core, stream_event(StreamState.STARTED, 0, tag="vip"))

    assert {"desk": "front", "tag": "vip"} == core.recordings.get(made.recording_id).labels


def test_a_stopped_stream_is_stopped_whichever_way_its_socket_ended() -> None:
    """The announced end corrects the ending that the sink saw."""

    core = FakeCore()
    core.call_life.join(a_call(), a_stream())
    take(core, STOPPED)

    broken = replace(a_stream(), ended_at=later(61), ending=Ending.BROKEN)
    core.call_life.end_stream(broken, later(80))

    assert [Ending.STOPPED] == [stream.ending for stream in core.calls.streams(CALL.key)]


def test_an_end_counts_from_the_stream_s_own_duration() -> None:
    """The published example gives the end the event time of the start."""

    core = FakeCore()

    take(core, stream_event(StreamState.STOPPED, 0, started_at=later(0), duration_s=112.5))

    (said,) = core.inbox.announcements(CALL.key)
    assert (later(0), later(112.5), "closed") == (said.started_at, said.ended_at, said.cause)


def test_an_event_without_a_time_happened_when_it_came() -> None:
    """Our own clock stands in for the carrier's."""

    core = FakeCore()

    take(core, replace(STARTED, facts=facts("untimed", None)), at=7)

    assert [later(7)] == [said.started_at for said in core.inbox.announcements(CALL.key)]


def test_a_tap_to_somewhere_else_announces_nothing() -> None:
    """A stream that isn't ours is stored, and waits for nothing."""

    core = FakeCore()

    take(core, stream_event(StreamState.STARTED, 0, ""))

    assert [] == core.inbox.announcements(CALL.key)
    assert [] == core.recordings.of_call(CALL.key)
    assert 1 == len(core.inbox.events(CALL.key))


def test_an_unknown_event_is_stored_as_unknown() -> None:
    """What we don't understand is kept whole, and known when it comes again."""

    core = FakeCore()
    odd = UnknownEvent(facts=replace(facts("odd", None), call_id=""))

    assert [True, False] == take(core, odd, odd)
    assert ["unknown"] == [event.event_type for event in core.store.inbound.values()]


def test_the_next_round_continues_the_one_before() -> None:
    """A stream announced well after the close makes a recording that says what it continues."""

    core = FakeCore()
    core.store.calls[CALL.key] = a_call(open=False, closed_at=later(100))

    take(core, stream_event(StreamState.STARTED, 400), at=400)

    (recording,) = core.recordings.of_call(CALL.key)
    first = naming.recording_id(CALL.key, DEFAULT_CONTROL_ID)
    assert (2, first) == (recording.round, recording.continues)


def test_the_options_and_address_are_the_profile_s() -> None:
    """A recording's own status_url wins over the profile's."""

    core = FakeCore()
    options = RecordOptions(stereo=True, status_url="https://other.example/")

    take(core, STARTED, profile=a_profile(record_call=options, retention_days=30))

    (recording,) = core.recordings.of_call(CALL.key)
    assert (options, "https://other.example/", 30) == (
        recording.options,
        recording.status_url,
        recording.retention_days,
    )


class Racing:
    """An inbox in which another webhook of the stream is always faster, n times."""

    def __init__(self, core: FakeCore, times: int) -> None:
        self._core = core
        self.left = times

    def announcements(self, call_key: str) -> list[Announcement]:
        return self._core.inbox.announcements(call_key)

    def events(self, call_key: str) -> list[InboundEvent]:
        return self._core.inbox.events(call_key)

    def accept(
        self,
        event: InboundEvent,
        call: Call | None,
        announcement: Announcement | None,
        requested: Requested | None,
    ) -> bool:
        if self.left:
            self.left -= 1
            raise PreconditionFailed("changed")
        return self._core.inbox.accept(event, call, announcement, requested)


def take_racing(core: FakeCore, times: int) -> bool:
    racing = IntakeStores(inbox=Racing(core, times), calls=core.calls, recordings=core.recordings)
    return take_in(STARTED, a_profile(), racing, now=T0, announced_for=ANNOUNCED_FOR)


def test_a_faster_webhook_is_read_and_merged() -> None:
    """Losing the race against another webhook means to look again."""

    assert take_racing(FakeCore(), ATTEMPTS - 1)


def test_an_announcement_that_never_rests_is_unavailable() -> None:
    """The carrier is asked to come again; nothing was stored."""

    core = FakeCore()

    with pytest.raises(Unavailable):
        take_racing(core, ATTEMPTS)
    assert {} == core.store.inbound


def test_a_recording_that_moves_meanwhile_is_labelled_at_the_next_look() -> None:
    """Labels lose the race against the owner's move, and are put on what it left."""

    core = FakeCore()
    made = core.recordings.create(a_recording(), an_event(a_recording()), None)

    class Moving:
        """Recordings whose owner moves one between the first read and the first write."""

        moved = False

        def __getattr__(self, name: str) -> Any:
            return getattr(core.recordings, name)

        def write(self, recording: Recording, event: RecordingEvent, outbox: None) -> Recording:
            if not self.moved:
                self.moved = True
                core.recordings.write(replace(made, attempt=1), an_event(made), None)
            return core.recordings.write(recording, event, outbox)

    moving = IntakeStores(
        inbox=core.inbox, calls=core.calls, recordings=cast("Recordings", Moving())
    )
    event = stream_event(StreamState.STARTED, 0, tag="vip")
    take_in(event, a_profile(), moving, now=T0, announced_for=ANNOUNCED_FOR)

    labelled = core.recordings.get(made.recording_id)
    assert (1, "vip") == (labelled.attempt, labelled.labels["tag"])


def test_a_crash_at_any_port_call_is_mended_by_the_carrier_s_repetition() -> None:
    """Whichever call fails, before or after it acted: the same event again, the same state."""

    event = stream_event(StreamState.STARTED, 0, tag="vip")
    expected = FakeCore()
    expected.recordings.create(a_recording(), an_event(a_recording()), None)
    take(expected, event)
    calls = expected.faults.calls - 1

    for number in range(1, calls + 1):
        for fail in ("before", "after"):
            core = FakeCore()
            core.recordings.create(a_recording(), an_event(a_recording()), None)
            getattr(core.faults, fail)(number)
            with suppress(Unavailable):  # a call that answers NotFound has nothing to lose
                take(core, event)
            core.faults.up()
            take(core, event)

            assert state_of(expected) == state_of(core), (fail, number)


def test_the_module_compares_no_states() -> None:
    """The lifecycle's table is the one place that knows states."""

    text = (Path(__file__).parents[2] / "chalicelib" / "services" / "intake.py").read_text()

    assert "State." not in text.replace("StreamState.", "")
