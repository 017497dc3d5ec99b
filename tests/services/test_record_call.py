from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.errors import Conflict
from chalicelib.ports import Calls
from chalicelib.recording.model import Call, Recording, RecordOptions, State
from chalicelib.services.record_call import Request, request_recording
from chalicelib.services.transition import Transitions
from tests.fakes import FakeCore, FakeWorkflows
from tests.samples import CALL, T0, a_call, a_profile, a_stream, later

REQUEST = Request(call_id=CALL.call_id, control_id="a", options=RecordOptions())


class Joining:
    """Calls that a stream joins between the two looks at the call."""

    def __init__(self, core: FakeCore, *, starts: bool) -> None:
        self._core = core
        self._starts = starts

    def ensure(self, call: Call) -> Call:
        return self._core.calls.ensure(call)

    def get(self, call_key: str) -> Call:
        self._core.call_life.join(a_call(), a_stream())
        if self._starts:
            for key, waiting in self._core.store.recordings.items():
                self._core.store.recordings[key] = started(waiting)
        return self._core.calls.get(call_key)


def started(waiting: Recording) -> Recording:
    return replace(waiting, state=State.RECORDING, version=waiting.version + 1)


def ask(core: FakeCore, calls: Calls, workflows: FakeWorkflows | None = None) -> Recording:
    transitions = Transitions(
        recordings=core.recordings,
        profiles=core.profiles,
        workflows=workflows or FakeWorkflows(),
        public_url=lambda: "https://api.example.com/api",
        download_token=lambda _recording, _at: "",
    )
    return request_recording(
        a_profile(), REQUEST, calls, transitions, now=T0, pending_for=timedelta(minutes=5)
    )


def test_a_call_without_media_is_made_known_and_its_recording_waits() -> None:
    """The call can be seen from now on; the recording is due in five minutes."""

    core = FakeCore()

    recording = ask(core, core.calls)

    assert (State.PENDING, later(300)) == (recording.state, recording.due_at)
    assert (False, 0) == (core.calls.get(CALL.key).open, core.calls.get(CALL.key).round)


def test_a_stream_that_joins_meanwhile_and_misses_the_recording_makes_it_fail() -> None:
    """Nothing is left waiting for a stream that has looked already."""

    core, workflows = FakeCore(), FakeWorkflows()

    with pytest.raises(Conflict) as refused:
        ask(core, Joining(core, starts=False), workflows)  # type: ignore[arg-type]  # half a port

    assert "live_commands_not_available" == refused.value.code
    (recording,) = core.store.recordings.values()
    assert (State.ERROR, "live_commands_not_available") == (recording.state, recording.reason)
    assert 1 == len(workflows.deliveries)


def test_a_stream_that_joins_meanwhile_and_finds_the_recording_starts_it() -> None:
    """The owner's write was faster: the request succeeded."""

    core = FakeCore()

    recording = ask(core, Joining(core, starts=True))  # type: ignore[arg-type]  # half a port

    assert State.RECORDING is recording.state
