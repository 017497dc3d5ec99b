"""What came of a call: its recording, its callbacks, and whether the audio is what was sent."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.comparison import difference, paused_difference
from infra.local.customer import Customer, find_recording
from infra.local.parts import Part
from infra.local.receiver import Callback, Receiver
from infra.local.rehearsal import PlayedCall

FINISHED_WITHIN_S = 180

_ENDED = ("finished", "error", "no_input")
_POLL_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One call's end."""

    title: str
    recording: dict[str, Any]
    """as the API shows it; empty: there is none"""
    problem: str
    """a sentence; "": everything is as it should be"""
    file: Path | None = None
    """where the download lies"""
    remark: str = ""
    """what was done to it, behind the praise"""


def await_outcome(
    customer: Customer, receiver: Receiver, played: PlayedCall, folder: Path
) -> Outcome:
    """Wait for a call's recording and callbacks, download, compare."""
    deadline = time.monotonic() + FINISHED_WITHIN_S
    recording: dict[str, Any] = {}
    while time.monotonic() < deadline:
        recording = find_recording(customer, played.call_id) or {}
        callbacks = receiver.of_call(played.call_id)
        if recording.get("state") in _ENDED and callbacks and callbacks[-1].state in _ENDED:
            break
        time.sleep(_POLL_S)
    return _judge(customer, receiver, played, recording, folder)


def _judge(
    customer: Customer,
    receiver: Receiver,
    played: PlayedCall,
    recording: dict[str, Any],
    folder: Path,
) -> Outcome:
    title = played.part.title
    if recording.get("state") != "finished":
        state = recording.get("state", "without a recording")
        reason = recording.get("reason") or f"after {FINISHED_WITHIN_S} s"
        return Outcome(title=title, recording=recording, problem=f"it is {state}: {reason}")
    audio = customer.download(recording["url"])
    file = folder / f"{played.part.profile}-{recording['recording_id']}.wav"
    file.write_bytes(audio)
    problem = _difference(audio, played) or _ending_problem(customer, played.part, recording)
    problem = problem or _callback_problem(played.part, receiver.of_call(played.call_id))
    return Outcome(
        title=title, recording=recording, problem=problem, file=file, remark=played.part.remark
    )


def _difference(audio: bytes, played: PlayedCall) -> str:
    if played.part.ending is None:
        return difference(audio, played.payload_files)
    return paused_difference(audio, played.payload_files[0], played.part.ending.second)


def _ending_problem(customer: Customer, part: Part, recording: dict[str, Any]) -> str:
    """Return "" where a recording ended as its part says, and its history tells the digit."""
    if part.ending is None:
        return ""
    if recording["reason"] != part.ending.reason:
        return f"it ended by {recording['reason']}, not by {part.ending.reason}"
    history = customer.get(f"/v1/recordings/{recording['recording_id']}/events")["events"]
    told = [event["detail"]["digit"] for event in history if "digit" in event["detail"]]
    return "" if told == [part.ending.digit] else f"its history tells the digits {told}"


def _callback_problem(part: Part, callbacks: Sequence[Callback]) -> str:
    # Each arrives at least once.
    states = list({callback.webhook_id: callback.state for callback in callbacks}.values())
    if states != list(part.states):
        return f"its callbacks were {states or 'none'}, not {list(part.states)}"
    if not all(callback.is_signed for callback in callbacks):
        return "a callback's signature doesn't verify"
    return ""
