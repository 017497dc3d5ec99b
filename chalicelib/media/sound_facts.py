"""The facts of a sound file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["wav", "mp3", "mp4"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundFacts:
    """The facts that a file states about its sound."""

    kind: Kind
    rate_hz: int
    channels: int
    duration_ms: int
    is_whole: bool = True
    """all that its header announces is there"""
