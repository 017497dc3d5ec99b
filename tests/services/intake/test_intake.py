from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.carriers.contract.webhook import (
    CarrierRecording,
    EventFacts,
    StreamAnnounced,
    StreamState,
    UnknownEvent,
    WebhookEvent,
)
from chalicelib.recording import keys
from chalicelib.recording.model import (
    Ending,
    Profile,
    RecordOptions,
    State,
)
from chalicelib.services.intake.intake import ReceivedEvent, WebhookReceiver
from tests.fakes import FakeCore, FakeWorkflows
from tests.samples import CALL, a_call, a_profile, a_recording, a_stream, an_event, later

DEFAULT_CONTROL_ID = keys.default_control_id(CALL.key, 1)


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


def stores(core: FakeCore) -> WebhookReceiver:
    return WebhookReceiver(
        inbox=core.inbox,
        calls=core.calls,
        recordings=core.recordings,
        workflows=FakeWorkflows,
    )


def received(event: WebhookEvent, profile: Profile | None = None, at: float = 1) -> ReceivedEvent:
    return ReceivedEvent(
        event=event,
        profile=profile or a_profile(),
        at=later(at),
        announced_for=timedelta(seconds=15),
    )


def take(
    core: FakeCore, *events: WebhookEvent, profile: Profile | None = None, at: float = 1
) -> list[bool]:
    return [stores(core).take_in(received(event, profile, at)) for event in events]


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
    CarrierRecording(facts=facts("recorded@5", later(5)), status="error", is_available=False),
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
    core.call_life.end_stream(broken)

    assert [Ending.STOPPED] == [stream.ending for stream in core.calls.streams(CALL.key)]


def test_an_end_counts_from_the_stream_s_own_duration() -> None:
    """The published example gives the end the event time of the start."""

    core = FakeCore()

    take(core, stream_event(StreamState.STOPPED, 0, started_at=later(0), duration_s=112.5))

    (said,) = core.inbox.carrier_reports(CALL.key)
    assert (later(0), later(112.5), "closed") == (said.started_at, said.ended_at, said.cause)


def test_an_end_beyond_the_calendar_is_when_it_was_said() -> None:
    """No call lasts that long, whatever its carrier says."""

    core, last = FakeCore(), datetime.max.replace(tzinfo=UTC)

    take(core, stream_event(StreamState.STOPPED, 7, "s-1", started_at=last, duration_s=112.5))
    take(core, stream_event(StreamState.STOPPED, 7, "s-2", started_at=later(0), duration_s=1e300))

    assert [later(7), later(7)] == [said.ended_at for said in core.inbox.carrier_reports(CALL.key)]


def test_an_event_without_a_time_happened_when_it_came() -> None:
    """Our own clock stands in for the carrier's."""

    core = FakeCore()

    take(core, replace(STARTED, facts=facts("untimed", None)), at=7)

    assert [later(7)] == [said.started_at for said in core.inbox.carrier_reports(CALL.key)]


def test_a_tap_to_somewhere_else_announces_nothing() -> None:
    """A stream that isn't ours is stored, and waits for nothing."""

    core = FakeCore()

    take(core, stream_event(StreamState.STARTED, 0, ""))

    assert [] == core.inbox.carrier_reports(CALL.key)
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
    first = keys.recording_id(CALL.key, DEFAULT_CONTROL_ID)
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


def test_the_module_compares_no_states() -> None:
    """The lifecycle's table is the one place that knows states."""

    module = Path(__file__).parents[3] / "chalicelib" / "services" / "intake" / "intake.py"
    text = module.read_text()

    assert "State." not in text.replace("StreamState.", "")
