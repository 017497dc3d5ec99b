"""Sends commands to live calls: writes them to the worker's mailbox, and waits for a while.

A worker removes a command from its mailbox after capture has changed, so from then on the row says
what the sink does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.errors import Conflict, NotFound
from chalicelib.ports.rows import Calls, Mailbox
from chalicelib.recording import intervals, keys, lifecycle, request_fields
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.erasure import is_discarded
from chalicelib.recording.intervals import Behavior
from chalicelib.recording.lifecycle import Cause, Writer
from chalicelib.recording.model import Call, Recording, State
from chalicelib.services.calls.queries import find_call, find_recording
from chalicelib.services.calls.transitions import RecordingMover, persistently

LOOK_EVERY_S = 0.05
LOOKS = 40
"""2 s in all; after that the answer is 202"""
SETTLING_LOOKS = 20
"""1 s in all: while a call moves to another worker, both capture it for a moment"""

_SEVERAL_WORKERS = "several_workers"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """The result of a command."""

    recording: Recording
    is_done: bool
    """False: the worker hasn't carried it out yet"""
    still_recording: tuple[str, ...]
    """control ids of the call's recordings that still capture"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallName:
    """A call as a request names it."""

    account: str
    carrier: str = ""
    """empty: any carrier"""
    call_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commander:
    """Sends commands, and reports their results."""

    calls: Calls
    transitions: RecordingMover
    mailbox: Mailbox
    now: Callable[[], datetime]
    wait: Callable[[float], None]
    new_id: Callable[[], str]

    def pause(self, recording: Recording, behavior: Behavior) -> CommandResult:
        """Pause a recording; a paused one stays paused.

        Raises Conflict: `not_recording`, `too_many_pauses`, or `no_live_media`, `several_workers`
        where it can't be told to a worker.
        """
        kind = CommandKind.PAUSE
        if lifecycle.is_capturing(recording.state) and len(recording.intervals) >= intervals.MOST:
            fact = f"{kind}: the recording has {len(recording.intervals)} intervals"
            raise Conflict(fact, code="too_many_pauses")
        return self._move(recording, kind, lifecycle.is_capturing, lifecycle.is_paused, behavior)

    def resume(self, recording: Recording) -> CommandResult:
        """Resume a paused recording; one that records stays as it is. Raises Conflict."""
        return self._move(
            recording, CommandKind.RESUME, lifecycle.is_paused, lifecycle.is_capturing
        )

    def stop(self, recording: Recording) -> CommandResult:
        """End a recording; one that ended stays as it is. Raises Conflict."""
        if lifecycle.is_pending(recording.state):
            recording = self._withdraw(recording, Cause.STOP)
        return self._move(recording, CommandKind.STOP_RECORD_CALL, lifecycle.is_live, _is_over)

    def discard(self, recording: Recording) -> CommandResult:
        """End a recording and delete all of it; a discarded one stays discarded.

        Raises Conflict: `not_recording` also if it ended in another way, and can be deleted.
        """
        if lifecycle.is_pending(recording.state):
            recording = self._withdraw(recording, Cause.DISCARD)
        if is_discarded(recording):
            return self._answer(recording, is_done=True)
        if not lifecycle.is_live(recording.state):
            raise _impossible(recording, CommandKind.DISCARD)
        answer = self._command(recording, CommandKind.DISCARD)
        if answer.is_done and not is_discarded(answer.recording):
            raise _impossible(answer.recording, CommandKind.DISCARD)
        return answer

    def begin(self, recording: Recording) -> CommandResult:
        """Begin a pending recording of a live call; one that began stays as it is.

        Without a live stream, it waits for the call's next one. Raises Conflict `several_workers`:
        then it is withdrawn, and the same request gives the same answer again.
        """
        if recording.reason == _SEVERAL_WORKERS:
            raise _several_workers()
        call = self.calls.get(recording.call.key)
        if not lifecycle.is_pending(recording.state) or not call.open:
            return self._answer(recording, is_done=True)
        workers = self._settled(call)
        if not workers:
            return self._answer(recording, is_done=False)
        if len(workers) > 1:
            self._withdraw(recording, Cause.STOP, _SEVERAL_WORKERS)
            raise _several_workers()
        return self._tell_all(call, recording, CommandKind.RECORD_CALL, workers.pop())

    def _move(
        self,
        recording: Recording,
        kind: CommandKind,
        is_movable: Callable[[State], bool],
        is_moved: Callable[[State], bool],
        behavior: Behavior = Behavior.SKIP,
    ) -> CommandResult:
        if is_moved(recording.state):
            return self._answer(recording, is_done=True)
        if not is_movable(recording.state):
            raise _impossible(recording, kind)
        answer = self._command(recording, kind, behavior)
        if answer.is_done and not is_moved(answer.recording.state):
            raise _too_late(answer.recording, kind)
        return answer

    def _command(
        self, recording: Recording, kind: CommandKind, behavior: Behavior = Behavior.SKIP
    ) -> CommandResult:
        call = self.calls.get(recording.call.key)
        return self._tell_all(call, recording, kind, self.worker_of(call), behavior)

    def _tell_all(
        self,
        call: Call,
        recording: Recording,
        kind: CommandKind,
        worker: str,
        behavior: Behavior = Behavior.SKIP,
    ) -> CommandResult:
        """Send a command to a call's worker, and to each one that took the call over before the
        command was carried out, because it may not know of it."""
        command = Command(
            command_id=self.new_id(),
            kind=kind,
            worker=worker,
            call_key=recording.call.key,
            recording_id=recording.recording_id,
            at=self.now(),
            behavior=behavior,
        )
        is_done, told = self.tell(command), {command.worker}
        while is_done and (others := self._workers(call) - told):
            further = replace(command, command_id=self.new_id(), worker=min(others))
            is_done = self.tell(further)
            told.add(further.worker)
        return self._answer(self.transitions.recordings.get(recording.recording_id), is_done)

    def tell(self, command: Command) -> bool:
        """Send a command to its worker; return whether it was carried out within 2 s."""
        self.mailbox.send(command)
        for _ in range(LOOKS):
            self.wait(LOOK_EVERY_S)
            if not self.mailbox.is_waiting(command):
                return True
        return False

    def worker_of(self, call: Call) -> str:
        """Return a call's worker. Raises Conflict `no_live_media`, `several_workers`."""
        workers = self._settled(call)
        if not workers:
            raise Conflict("no stream of the call lives", code="no_live_media")
        if len(workers) > 1:
            raise _several_workers()
        return workers.pop()

    def _settled(self, call: Call) -> set[str]:
        """Return the workers of a call's live streams, after waiting up to 1 s for only one."""
        for _ in range(SETTLING_LOOKS):
            workers = self._workers(call)
            if len(workers) < 2:
                return workers
            self.wait(LOOK_EVERY_S)
        return self._workers(call)

    def _workers(self, call: Call) -> set[str]:
        return {
            stream.worker
            for stream in self.calls.streams(call.ref.key)
            if stream.round == call.round and stream.ended_at is None
        }

    def _withdraw(self, recording: Recording, cause: Cause, reason: str = "") -> Recording:
        """Fail a recording that hasn't begun; one that began meanwhile stays."""
        call = self.calls.get(recording.call.key)

        def step() -> Recording:
            current = self.transitions.recordings.get(recording.recording_id)
            if not lifecycle.is_pending(current.state):
                return current
            withdrawn = replace(current, reason=reason or str(cause), ended_at=self.now())
            return self.transitions.move(withdrawn, cause, Writer.API, call=call, at=self.now())

        return persistently(step)

    def _answer(self, recording: Recording, is_done: bool) -> CommandResult:
        others = self.transitions.recordings.of_call(recording.call.key)
        return CommandResult(
            recording=recording,
            is_done=is_done,
            still_recording=tuple(
                one.control_id for one in others if lifecycle.is_capturing(one.state)
            ),
        )


def find_controlled(commands: Commander, name: CallName, control_id: str | None) -> Recording:
    """Return the recording of a call's control id; without one, the latest live recording.

    Raises NotFound, InvalidRequest, Conflict.
    """
    call = find_call(commands.calls, name.account, name.call_id, name.carrier)
    if call is None:
        raise NotFound(f"call {name.call_id}", code="no_such_call")
    recordings = commands.transitions.recordings
    if control_id is not None:
        named = keys.recording_id(call.ref.key, control_id)
        return find_recording(recordings, call.ref.account, named)
    live = [one for one in recordings.of_call(call.ref.key) if lifecycle.is_live(one.state)]
    if not live:
        raise Conflict("no recording of the call lives", code="not_recording")
    return max(live, key=lambda one: one.started_at or one.created_at)


def state_of(answer: CommandResult) -> dict[str, object]:
    """Return a command's result as the API shows it."""
    return {
        "state": str(answer.recording.state),
        "still_recording": list(answer.still_recording),
    }


def parse_pause(body: Mapping[str, object]) -> Behavior:
    """Return the requested behavior of a pause. Raises InvalidRequest."""
    request_fields.verify_known("pause", body, {"behavior"})
    return request_fields.given(body, "behavior", _behavior, Behavior.SKIP)


def parse_resume(body: Mapping[str, object]) -> None:
    """Take a body without properties. Raises InvalidRequest."""
    request_fields.verify_known("resume", body, ())


def parse_discard(body: Mapping[str, object]) -> None:
    """Take a body without properties. Raises InvalidRequest."""
    request_fields.verify_known("discard", body, ())


def parse_stop(body: Mapping[str, object]) -> str | None:
    """Return the control id to stop; None: the latest one. Raises InvalidRequest."""
    request_fields.verify_known("stop_record_call", body, {"control_id"})
    return request_fields.control_id(body)


def _behavior(key: str, value: object) -> Behavior:
    return request_fields.word(key, value, Behavior)


def _is_over(state: State) -> bool:
    return not lifecycle.is_live(state)


def _impossible(recording: Recording, kind: CommandKind) -> Conflict:
    return Conflict(f"{kind}: the recording is {recording.state}", code="not_recording")


def _several_workers() -> Conflict:
    return Conflict("the call streams to several workers", code=_SEVERAL_WORKERS)


def _too_late(recording: Recording, kind: CommandKind) -> Conflict:
    """Return why a worker ignored a command: the recording may be ending, though not by its row."""
    if lifecycle.is_live(recording.state):
        return Conflict(f"{kind}: the recording is ending", code="not_recording")
    return _impossible(recording, kind)
