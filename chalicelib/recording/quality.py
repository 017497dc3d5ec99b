"""How complete a recording is: its gaps and its quality figures."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.capture.events import Track


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Media that should be there and isn't; offset on the rendition's timeline."""

    track: Track
    offset_ms: float
    duration_ms: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The quality figures; counts over all tracks of the recording."""

    messages_received: int = 0
    messages_lost: int = 0
    messages_late: int = 0
    messages_reordered: int = 0
    messages_duplicated: int = 0
    silence_inserted_ms: float = 0.0
    largest_skew_ms: float = 0.0
    reconnects: int = 0
    degraded: str = ""
    """the reason, where something was dropped"""
