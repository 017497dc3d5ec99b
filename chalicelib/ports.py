"""What Tapedeck needs from outside, in our words. Adapters implement these, fakes stand in for tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.capture.events import Encoding, Track
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import CallRef, Ending, Recording

# --- what the sink asks of the rest: its door to the Core and Hot tables ----------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """A stream that wants to belong to its call."""

    call: CallRef
    profile: str
    stream_key: str
    carrier_stream_id: str
    worker: str
    dialect: str
    tracks: tuple[Track, ...]
    encoding: Encoding | None
    """None: the profile's (dialects that don't say it in band)"""
    rate_hz: int
    labels: Mapping[str, str]
    opened_at: datetime
    journal_from: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What a worker must know of a call that it captures."""

    call: CallRef
    round: int
    generation: int
    encoding: Encoding
    recordings: tuple[Recording, ...]
    """the live ones of this round; empty: nobody wants this call's media"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What came of the wish to close a call."""

    closed: bool
    retry_at: datetime | None = None
    """another stream's grace ends then; None: another live stream's worker will close it"""


class CallControl(Protocol):
    """The owner's writes. Each is conditional, may be repeated, and raises Unavailable when to try again."""

    def join_call(self, joining: Joining) -> Joined:
        """Put the stream under its call, open or reopen it, start what its profile or a pending one wants."""

    def end_stream(self, call: CallRef, stream_key: str, ending: Ending, at: datetime) -> Ending:
        """Note that all media of a stream lies in segments and how it ended; return how it ended
        (STOPPED where the carrier's webhook already said so)."""

    def close_call(self, call: CallRef, round_: int, at: datetime) -> Closing:
        """Close the call if no stream of it lives and no grace runs; its live recordings go finalizing."""

    def end_recording(self, recording_id: str, cause: Cause, at: datetime) -> None:
        """Move one recording of a live call to finalizing and start its finalization."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A worker's sign of life; a row of the Hot table."""

    worker: str
    started_at: datetime
    renewals: int
    """grows with each renewal: observers compare it, not clocks"""
    calls: int
    journal_safe_below: int
    """every journal object with a smaller number is covered by segments (or void): deletable"""
    address: str = ""
    degraded: str = ""


class Leases(Protocol):
    """Signs of life of workers."""

    def renew(self, lease: Lease) -> None:
        """Write the lease."""

    def release(self, worker: str) -> None:
        """Say that the worker ended and left nothing behind."""

    def all(self) -> list[Lease]:
        """Read every lease, consistently."""


# --- bytes ------------------------------------------------------------------------------------


class MediaStore(Protocol):
    """Journal objects and segments in the media bucket."""

    def put(self, key: str, body: bytes) -> None:
        """Store an object that doesn't exist yet; an equal one that does is success.

        Raises PreconditionFailed where another body lies under the key, Unavailable otherwise.
        """

    def get(self, key: str) -> bytes:
        """Return a whole object. Raises NotFound."""

    def get_head(self, key: str, size: int) -> bytes:
        """Return an object's first `size` bytes, or all of a smaller one. Raises NotFound."""

    def list(self, prefix: str, after: str = "") -> Iterator[str]:
        """Yield the keys under a prefix in order, after one."""

    def delete(self, keys: list[str]) -> None:
        """Delete objects; missing ones are success."""
