"""What the API asks of the worker that has a live call; a persisted format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chalicelib.recording.intervals import Behavior
from chalicelib.recording.rtp_endpoint import PortClaim


class CommandKind(StrEnum):
    """What shall be done to a recording of a live call, to a tap of it, or to a port."""

    RECORD_CALL = "record_call"
    """a pending one begins"""
    PAUSE = "pause"
    RESUME = "resume"
    STOP_RECORD_CALL = "stop_record_call"
    DISCARD = "discard"
    """ends, and leaves nothing"""
    TAP = "tap"
    STOP_TAP = "stop_tap"
    OPEN_PORT = "open_port"
    """hear a claimed RTP port"""
    END_PORT = "end_port"
    """what came to it is over: the carrier said so"""
    END_STREAM = "end_stream"
    """its call is over: the carrier said so when it was asked"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A row of the Hot table; one that is done is gone."""

    command_id: str
    """a worker carries out each once"""
    kind: CommandKind
    worker: str
    call_key: str
    recording_id: str
    """of a tap's command: its tap id"""
    at: datetime
    """a worker's commands are read in this order"""
    behavior: Behavior = Behavior.SKIP
    """of a pause"""
    tap: Mapping[str, str | int] = field(default_factory=dict)
    """of a tap: its properties, in SWML's words"""
    claim: PortClaim | None = None
    """of a port"""
    stream_key: str = ""
    """of a stream's end"""
