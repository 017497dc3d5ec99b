"""The commands to the worker of a live call; a persisted format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chalicelib.recording.intervals import Behavior
from chalicelib.recording.rtp_endpoint import PortClaim


class CommandKind(StrEnum):
    """The kinds of commands: to a recording, to a tap, or to a port."""

    RECORD_CALL = "record_call"
    """a pending recording begins"""
    PAUSE = "pause"
    RESUME = "resume"
    STOP_RECORD_CALL = "stop_record_call"
    DISCARD = "discard"
    """the recording ends, and is deleted"""
    TAP = "tap"
    STOP_TAP = "stop_tap"
    OPEN_PORT = "open_port"
    """open a claimed RTP port"""
    END_PORT = "end_port"
    """the stream to the port is over, as the carrier said"""
    END_STREAM = "end_stream"
    """the call is over, as the carrier answered when asked"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A row of the Hot table; done commands are removed."""

    command_id: str
    """a worker carries out each id once"""
    kind: CommandKind
    worker: str
    call_key: str
    recording_id: str
    """for a tap: the tap id"""
    at: datetime
    """the order of a worker's commands"""
    behavior: Behavior = Behavior.SKIP
    """for a pause"""
    tap: Mapping[str, str | int] = field(default_factory=dict)
    """for a tap: its properties, in SWML's words"""
    claim: PortClaim | None = None
    """for a port"""
    stream_key: str = ""
    """for the end of a stream"""
