"""What rows tell about a recording: lines of its history, and callbacks that are owed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingEvent:
    """A line of `/v1/recordings/{id}/events`, or of what happened to a tap."""

    recording_id: str
    """a tap's: its tap id"""
    at: datetime
    event: str
    detail: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """A status callback that is owed; written with the state change that it tells."""

    recording_id: str
    """whose it is; a tap's: its tap id"""
    number: int
    """1, 2, … within the recording; sent in this order"""
    webhook_id: str
    state: str
    """what it tells: a recording's `State`, or a tap's"""
    url: str
    body: str
    """the exact JSON text that is signed and sent"""
    created_at: datetime
    round: int = 1
    """counts redeliveries"""
    attempts: int = 0
    first_ended_at: datetime | None = None
    """when the first attempt ended, whatever came of it"""
    delivered_at: datetime | None = None
    given_up: str = ""
    """why no further attempt will come: exhausted, gone, disabled, superseded, refused"""
    next_at: datetime | None = None
    last_error: str = ""
    account: str = ""
    """whose receiver it goes to; empty in rows of before 2026-11-20"""
