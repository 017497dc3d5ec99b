"""What the API asks of the worker that has a live call; a persisted format."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.recording.intervals import Behavior


class CommandKind(StrEnum):
    """What shall be done to a recording of a live call."""

    RECORD_CALL = "record_call"
    """a pending one begins"""
    PAUSE = "pause"
    RESUME = "resume"
    STOP_RECORD_CALL = "stop_record_call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A row of the Hot table; one that is done is gone."""

    command_id: str
    """a worker carries out each once"""
    kind: CommandKind
    worker: str
    call_key: str
    recording_id: str
    at: datetime
    """a worker's commands are read in this order"""
    behavior: Behavior = Behavior.SKIP
    """of a pause"""
