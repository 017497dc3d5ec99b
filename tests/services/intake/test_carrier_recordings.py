"""A carrier's event of its own recording becomes one recording, however often and in what order."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.carriers.contract.webhook import CarrierRecording, StreamState, WebhookEvent
from chalicelib.errors import Unavailable
from chalicelib.recording.model import Format, RecordingOrigin, RecordOptions, State
from tests.carrier_host import URL, an_available
from tests.samples import CALL, a_joining, a_profile, later
from tests.services.fetching_desk import FetchingDesk
from tests.services.intake.test_intake import stream_event
from tests.services.written_first import WrittenFirst

COMPLETE = replace(
    an_available("complete"),
    facts=replace(an_available("complete").facts, event_type="recordComplete"),
)
EVENTS: list[WebhookEvent] = [
    an_available(),
    COMPLETE,
    an_available("processing", status="processing", is_available=False, url=""),
    an_available("late", url=URL + "?signature=2"),
    stream_event(StreamState.STARTED, 0),
    stream_event(StreamState.STOPPED, 60),
    an_available("error", status="error", is_available=False, url=""),
]


def copies(desk: FetchingDesk) -> list[Any]:
    """Return what the call's copied recordings are."""
    return [
        (one.recording_id, one.state, one.call, one.labels, one.started_at, one.ended_at)
        for one in desk.desk.recordings()
        if one.source is RecordingOrigin.CARRIER
    ]


@given(
    order=st.permutations(EVENTS),
    chosen=st.integers(1, len(EVENTS)),
    repeated=st.lists(st.integers(0, 6), max_size=5),
    runs_at=st.integers(0, 6),
)
def test_neither_order_nor_repetition_shows(
    order: list[WebhookEvent], chosen: int, repeated: list[int], runs_at: int
) -> None:
    """Any of a file's events, in any order, with duplicates: one file, one terminal callback."""

    events = order[:chosen]
    desk = FetchingDesk(a_profile(record_call=None))
    desk.downloads.held[URL + "?signature=2"] = desk.downloads.held[URL]
    for number, event in enumerate([*events, *(events[n % chosen] for n in repeated)]):
        desk.take(event)
        if number >= runs_at:
            desk.execute()
    desk.execute()

    wanted = any(isinstance(e, CarrierRecording) and e.is_available for e in events)
    assert int(wanted) == len(copies(desk))
    assert (["finished"] if wanted else []) == desk.desk.told()
    assert 3 * wanted == len(desk.store.writes)


def test_the_row_says_what_was_announced() -> None:
    """A finalization has begun, the sweeper is due, callbacks go where the profile says."""

    desk = FetchingDesk()

    assert desk.take(an_available())

    recording = desk.recording()
    assert (State.FINALIZING, RecordingOrigin.CARRIER, 1, later(61 + 120)) == (
        recording.state,
        recording.source,
        recording.attempt,
        recording.due_at,
    )
    assert ({"desk": "front", "tag": "vip"}, "https://customer.example/status") == (
        recording.labels,
        recording.status_url,
    )
    assert RecordOptions(stereo=True) == recording.options
    assert [(recording.recording_id, 1)] == desk.desk.workflows.finalizations
    (event,) = desk.desk.core.history.events(recording.recording_id)
    assert {
        "cause": "carrier_finished",
        "by": "api",
        "event_type": "recordingAvailable",
    } == event.detail


def test_a_copy_starts_when_its_row_says_so() -> None:
    """An execution that began before would find no recording, and its name would be used up."""

    desk = FetchingDesk()
    workflows = WrittenFirst(desk.desk.core.store)

    desk.take(an_available(), workflows)

    assert [(desk.recording().recording_id, 1)] == workflows.finalizations
    assert [] == workflows.early


def test_a_call_that_streams_too_has_both() -> None:
    """The carrier's recording stands beside ours, and ends nothing of it."""

    desk = FetchingDesk()
    desk.desk.control.join_call(a_joining(opened_at=later(1)))

    desk.take(an_available())
    desk.execute()

    states = {one.source: one.state for one in desk.desk.recordings()}
    assert {
        RecordingOrigin.STREAM: State.RECORDING,
        RecordingOrigin.CARRIER: State.FINISHED,
    } == states


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"carrier_recording_id": "r-2"}, 2),
        ({"url": URL + "/other"}, 1),
        ({"control_id": "c", "carrier_recording_id": "", "url": URL + "?again"}, 2),
    ],
)
def test_the_carrier_s_name_makes_the_recording(changes: dict[str, Any], number: int) -> None:
    """Its recording id, else its place: another is another recording, another query is not."""

    desk = FetchingDesk()
    desk.take(an_available())
    desk.take(an_available("other", **changes))
    desk.take(an_available("again", **changes))

    assert number == len(copies(desk))


def test_times_that_a_carrier_doesn_t_say_are_worked_out() -> None:
    """It ended when the event says, and began its duration before; without that, nobody knows."""

    timed, untimed, endless = FetchingDesk(), FetchingDesk(), FetchingDesk()
    timed.take(an_available(started_at=None, ended_at=None, duration_s=10.0))
    untimed.take(an_available(started_at=None, ended_at=None, duration_s=None))
    endless.take(an_available(started_at=None, duration_s=1e9 * 86_400))

    assert (later(50), later(60)) == (timed.recording().started_at, timed.recording().ended_at)
    assert (None, later(60)) == (untimed.recording().started_at, untimed.recording().ended_at)
    assert endless.recording().started_at is None


def test_a_format_that_we_don_t_know_waits_for_the_file() -> None:
    """What is announced is only a claim."""

    desk = FetchingDesk()
    desk.take(an_available(format="ogg", channels=None))

    assert RecordOptions(format=Format.WAV, stereo=False) == desk.recording().options


def test_a_call_that_nobody_heard_of_is_described_by_the_event() -> None:
    """Its node stands in the callback, as the carrier's own would say it."""

    desk = FetchingDesk()
    desk.take(an_available())

    call = desk.desk.core.calls.get(CALL.key)
    assert ("node-7", False, 0) == (call.node_id, call.open, call.round)


def test_a_crash_at_any_port_call_is_mended_by_the_next() -> None:
    """The carrier's repetition, or the sweeper, brings it to the same end."""

    expected = FetchingDesk()
    expected.take(an_available())
    calls = expected.desk.core.faults.calls

    for number in range(1, calls + 1):
        for fail in ("before", "after"):
            desk = FetchingDesk()
            getattr(desk.desk.core.faults, fail)(number)
            with suppress(Unavailable):
                desk.take(an_available())
            desk.desk.core.faults.up()
            desk.wait(timedelta(seconds=0))
            desk.take(an_available())

            assert copies(expected) == copies(desk), (fail, number)
            assert 1 == len(desk.desk.workflows.finalizations)
