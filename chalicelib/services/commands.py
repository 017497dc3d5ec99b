"""Commands to a live call: written to its worker's mailbox, and waited for a while.

A command that is done is gone from the mailbox, and capture has changed before; so what the row
says then is what the sink does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.errors import Conflict, NotFound, PreconditionFailed
from chalicelib.ports import Calls, Mailbox
from chalicelib.recording import lifecycle, naming, properties
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.intervals import Behavior
from chalicelib.recording.lifecycle import Cause, Writer
from chalicelib.recording.model import Call, Recording, State
from chalicelib.services.queries import find_call
from chalicelib.services.transition import Transitions

LOOK_EVERY_S = 0.05
LOOKS = 40
"""2 s; then the answer is 202"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command came to."""

    recording: Recording
    is_done: bool
    """False: its worker hasn't carried it out yet"""
    still_recording: tuple[str, ...]
    """control ids of the call's recordings that go on capturing"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """What commanding needs."""

    calls: Calls
    transitions: Transitions
    mailbox: Mailbox
    now: Callable[[], datetime]
    wait: Callable[[float], None]
    new_id: Callable[[], str]

    def pause(self, recording: Recording, behavior: Behavior) -> Answer:
        """Pause a recording; a paused one stays as it is.

        Raises Conflict: `not_recording`, or `no_live_media`, `several_workers` where it can't be
        told to a worker.
        """
        kind = CommandKind.PAUSE
        return self._move(recording, kind, lifecycle.is_capturing, lifecycle.is_paused, behavior)

    def resume(self, recording: Recording) -> Answer:
        """Let a paused recording go on; one that records stays as it is. Raises Conflict."""
        return self._move(
            recording, CommandKind.RESUME, lifecycle.is_paused, lifecycle.is_capturing
        )

    def stop(self, recording: Recording) -> Answer:
        """End a recording; one that ended stays as it is. Raises Conflict."""
        if lifecycle.is_pending(recording.state):
            recording = self._withdraw(recording)
        return self._move(recording, CommandKind.STOP_RECORD_CALL, lifecycle.is_live, _is_over)

    def begin(self, recording: Recording) -> Answer:
        """Begin a pending recording of a live call; one that began stays as it is.

        While no stream lives, it waits for the call's next one. Raises Conflict `several_workers`:
        then it is withdrawn.
        """
        call = self.calls.get(recording.call.key)
        if not lifecycle.is_pending(recording.state) or not call.open:
            return self._answer(recording, is_done=True)
        workers = self._workers(call)
        if not workers:
            return self._answer(recording, is_done=False)
        if len(workers) > 1:
            self._withdraw(recording)
        return self._command(recording, CommandKind.RECORD_CALL)

    def _move(
        self,
        recording: Recording,
        kind: CommandKind,
        is_movable: Callable[[State], bool],
        is_moved: Callable[[State], bool],
        behavior: Behavior = Behavior.SKIP,
    ) -> Answer:
        if is_moved(recording.state):
            return self._answer(recording, is_done=True)
        if not is_movable(recording.state):
            raise _impossible(recording, kind)
        answer = self._command(recording, kind, behavior)
        if answer.is_done and not is_moved(answer.recording.state):
            raise _impossible(answer.recording, kind)
        return answer

    def _command(
        self, recording: Recording, kind: CommandKind, behavior: Behavior = Behavior.SKIP
    ) -> Answer:
        command = Command(
            command_id=self.new_id(),
            kind=kind,
            worker=self._worker(self.calls.get(recording.call.key)),
            call_key=recording.call.key,
            recording_id=recording.recording_id,
            at=self.now(),
            behavior=behavior,
        )
        self.mailbox.send(command)
        is_done = self._is_carried_out(command)
        return self._answer(self.transitions.recordings.get(recording.recording_id), is_done)

    def _is_carried_out(self, command: Command) -> bool:
        for _ in range(LOOKS):
            self.wait(LOOK_EVERY_S)
            if not self.mailbox.is_waiting(command):
                return True
        return False

    def _worker(self, call: Call) -> str:
        workers = self._workers(call)
        if not workers:
            raise Conflict("no stream of the call lives", code="no_live_media")
        if len(workers) > 1:
            raise Conflict(f"the call streams to {len(workers)} workers", code="several_workers")
        return workers.pop()

    def _workers(self, call: Call) -> set[str]:
        return {
            stream.worker
            for stream in self.calls.streams(call.ref.key)
            if stream.round == call.round and stream.ended_at is None
        }

    def _withdraw(self, recording: Recording) -> Recording:
        """Fail a recording that is stopped before it began."""
        call, stopped = self.calls.get(recording.call.key), str(Cause.STOP)
        withdrawn = replace(recording, reason=stopped, ended_at=self.now())
        try:
            return self.transitions.move(
                withdrawn, Cause.STOP, Writer.API, call=call, at=self.now()
            )
        except PreconditionFailed:
            return self.transitions.recordings.get(recording.recording_id)

    def _answer(self, recording: Recording, is_done: bool) -> Answer:
        others = self.transitions.recordings.of_call(recording.call.key)
        return Answer(
            recording=recording,
            is_done=is_done,
            still_recording=tuple(
                one.control_id for one in others if lifecycle.is_capturing(one.state)
            ),
        )


def find_controlled(
    commands: Commands, account: str, call_id: str, carrier: str, control_id: str | None
) -> Recording:
    """Return the recording of a call's control id; without one, the last started that lives.

    Raises NotFound, InvalidRequest.
    """
    call = find_call(commands.calls, account, call_id, carrier)
    if call is None:
        raise NotFound(f"call {call_id}", code="no_such_call")
    recordings = commands.transitions.recordings
    if control_id is not None:
        return recordings.get(naming.recording_id(call.ref.key, control_id))
    live = [one for one in recordings.of_call(call.ref.key) if lifecycle.is_live(one.state)]
    if not live:
        raise Conflict("no recording of the call lives", code="not_recording")
    return max(live, key=lambda one: one.started_at or one.created_at)


def parse_pause(body: Mapping[str, object]) -> Behavior:
    """Return the behavior that a pause asks for. Raises InvalidRequest."""
    properties.verify_known("pause", body, {"behavior"})
    return properties.given(body, "behavior", _behavior, Behavior.SKIP)


def parse_resume(body: Mapping[str, object]) -> None:
    """Take a body without properties. Raises InvalidRequest."""
    properties.verify_known("resume", body, ())


def parse_stop(body: Mapping[str, object]) -> str | None:
    """Return the control id that a stop names; None: the last started. Raises InvalidRequest."""
    properties.verify_known("stop_record_call", body, {"control_id"})
    return properties.control_id(body)


def _behavior(key: str, value: object) -> Behavior:
    return properties.word(key, value, Behavior)


def _is_over(state: State) -> bool:
    return not lifecycle.is_live(state)


def _impossible(recording: Recording, kind: CommandKind) -> Conflict:
    return Conflict(f"{kind}: the recording is {recording.state}", code="not_recording")
