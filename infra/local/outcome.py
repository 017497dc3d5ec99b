"""What came of a call: its recording, its callbacks, and whether the audio is what was sent."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.comparison import difference
from infra.local.customer import Customer, find_recording
from infra.local.receiver import Callback, Receiver
from infra.local.rehearsal import PlayedCall

FINISHED_WITHIN_S = 180

_ENDED = ("finished", "error", "no_input")
_PROMISED = ["recording", "finished"]
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
    file = folder / f"{played.part.dialect}-{recording['recording_id']}.wav"
    file.write_bytes(audio)
    problem = difference(audio, played.payload_files)
    problem = problem or _callback_problem(receiver.of_call(played.call_id))
    return Outcome(title=title, recording=recording, problem=problem, file=file)


def _callback_problem(callbacks: Sequence[Callback]) -> str:
    states = [callback.state for callback in callbacks]
    if [state for state in states if state in _PROMISED] != _PROMISED:
        return f"its callbacks were {states or 'none'}, not {_PROMISED}"
    if not all(callback.is_signed for callback in callbacks):
        return "a callback's signature doesn't verify"
    return ""
