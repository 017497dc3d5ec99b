"""One call's webhooks as its carrier would post them: the documented bodies, made one call's.

Each carrier's are in `tests/carriers/<carrier>/posted.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any

from chalicelib.capture.events import Track
from chalicelib.carriers import registry
from chalicelib.recording.model import CallRef, Profile
from tests.carriers.samples import changed, encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A carrier, a call of it, and everything that it may post of that call."""

    profile: Profile
    call: CallRef
    streams: Sequence[tuple[str, Track]]
    """what the call streams: the carrier's ids, in the order in which they come"""
    at: datetime
    """when its streams began, by the carrier's clock"""
    bodies: Mapping[str, bytes]
    """by a name for each, in the order in which a good network delivers them"""
    files: Sequence[str]
    """what the carrier recorded itself"""


def with_changes(body: dict[str, Any], changes: Mapping[str, Any]) -> bytes:
    """Return a body with some fields changed, as it is posted."""
    for path, value in changes.items():
        body = changed(body, path, value)
    return encoded(body)


def calls() -> Mapping[str, Said]:
    """Return a call of each carrier."""
    return {name: import_module(f"tests.carriers.{name}.posted").SAID for name in registry.ROWS}
