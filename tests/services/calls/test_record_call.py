from __future__ import annotations

from datetime import timedelta

from chalicelib.ports.rows import Calls
from chalicelib.recording.model import Interval, Recording, RecordOptions, State
from chalicelib.services.calls.record_call import RecordCallRequest, RecordingRequester
from chalicelib.services.calls.transitions import RecordingMover
from tests.fakes import FakeCore, FakeWorkflows
from tests.samples import CALL, T0, a_call, a_joining, a_profile, a_stream, later
from tests.services.core_desk import Desk

REQUEST = RecordCallRequest(call_id=CALL.call_id, control_id="a", options=RecordOptions())


def ask(core: FakeCore, calls: Calls, workflows: FakeWorkflows | None = None) -> Recording:
    transitions = RecordingMover(
        recordings=core.recordings,
        profiles=core.profiles,
        workflows=workflows or FakeWorkflows(),
        public_url=lambda: "https://api.example.com/api",
        download_token=lambda _recording, _at: "",
    )
    requester = RecordingRequester(
        calls=calls, transitions=transitions, now=lambda: T0, pending_for=timedelta(minutes=5)
    )
    return requester.request(a_profile(), REQUEST)


def test_a_call_without_media_is_made_known_and_its_recording_waits() -> None:
    """The call can be seen from now on; the recording is due in five minutes."""

    core = FakeCore()

    recording = ask(core, core.calls)

    assert (State.PENDING, later(300)) == (recording.state, recording.due_at)
    assert (False, 0) == (core.calls.get(CALL.key).open, core.calls.get(CALL.key).round)


def test_a_recording_of_a_live_call_shows_what_comes_from_now_on() -> None:
    """It waits for its worker, or the call's next stream, to begin; its beginning is known."""

    core = FakeCore()
    core.call_life.join(a_call(), a_stream())

    recording = ask(core, core.calls)

    assert (State.PENDING, 1) == (recording.state, recording.round)
    assert (Interval(from_us=round(T0.timestamp() * 1_000_000)),) == recording.intervals


def test_a_stream_that_comes_before_the_worker_hears_of_it_begins_it() -> None:
    """What it shows begins when it was asked for, not with the call."""

    desk = Desk()
    desk.control.join_call(a_joining())
    asked = ask(desk.core, desk.core.calls)

    joined = desk.control.join_call(a_joining(stream_key="stream-2", opened_at=later(9)))

    (begun,) = [one for one in joined.recordings if one.recording_id == asked.recording_id]
    assert (State.RECORDING, asked.intervals) == (begun.state, begun.intervals)
    assert begun == desk.live.begin(asked.recording_id, 7)
