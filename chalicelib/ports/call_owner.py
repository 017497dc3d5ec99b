"""The writes of the worker that owns a call, to the Core and Hot tables.

Each write is conditional, and may be repeated after Unavailable.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.ports.values import CloseResult, JoinRequest, JoinResult, Lease, OwnedElsewhere
from chalicelib.recording.intervals import Behavior
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import CallRef, Ending, Recording, Stream
from chalicelib.tapping.lifecycle import TapCause
from chalicelib.tapping.model import Tap, TapQuality, TapRequest


class CallControl(Protocol):
    """The owner's writes to a call and its streams."""

    def join_call(self, request: JoinRequest) -> JoinResult | OwnedElsewhere:
        """Put the stream under its call, open or reopen the call, and start its recordings: the
        pending ones and the profile's.

        The worker of the first stream owns the call. Another worker only learns who that is, unless
        it claims the call or has captured the stream already.
        """

    def end_stream(
        self,
        call: CallRef,
        stream_key: str,
        ending: Ending,
        at: datetime,
        *,
        in_segments: bool = True,
        segments: tuple[int, int] | None = None,
        reason: str = "",
    ) -> Ending:
        """Note that a stream ended and how, that all its media is in segments, and in which.

        For a DEAD stream, or one that isn't all `in_segments`, the journal holds the rest. Returns
        how the stream ended, which is STOPPED if a webhook of the carrier said so before. `reason`
        is why this side ended it.
        """

    def close_call(self, call: CallRef, session: int, at: datetime) -> CloseResult:
        """Close the call if it has no live stream and no grace runs. Then its live recordings begin
        finalizing, and its taps end."""

    def end_recording(self, recording_id: str, cause: Cause, at: datetime, digit: str = "") -> None:
        """End one recording of a live call and start its finalization; without any speech it
        becomes `no_input` instead. `digit` is the one that ended it."""


class DeadWorkers(Protocol):
    """What living workers do for dead ones; each call may be repeated, and by several at once."""

    def declare_dead(self, lease: Lease) -> Sequence[Stream]:
        """Declare a worker dead and return its streams; return none if it is alive."""

    def end_stream(self, stream: Stream, lease: Lease) -> CloseResult:
        """End a stream of a dead worker, and close its call if no grace runs."""


class LiveRecordings(Protocol):
    """The owner's writes to a recording of a live call; may be repeated after Unavailable.

    Each returns the recording as it is afterwards: unchanged, if its state doesn't allow the
    change. `at_us` is when capture changed, on the clock of arrivals. Each raises NotFound.
    """

    def begin(self, recording_id: str, at_us: int) -> Recording:
        """Begin a pending recording; it shows what comes from now on."""

    def note_beep(self, recording_id: str, at_us: int) -> Recording:
        """Note that the party heard the recording's beep."""

    def pause(self, recording_id: str, at_us: int, behavior: Behavior) -> Recording:
        """Pause a recording."""

    def resume(self, recording_id: str, at_us: int) -> Recording:
        """Resume a paused recording."""


class LiveTaps(Protocol):
    """The owner's writes to outgoing taps; may be repeated after Unavailable.

    Each returns the tap as it is afterwards.
    """

    def begin(self, request: TapRequest, source_address: str, source_port: int) -> Tap:
        """Begin a tap that sends from now on; an existing one stays as it is. Raises NotFound."""

    def refuse(self, request: TapRequest, reason: str, at: datetime) -> Tap:
        """End a tap whose destination was never reached; an existing one stays as it is. Raises
        NotFound."""

    def take_over(self, tap: Tap, worker: str, source_address: str, source_port: int) -> Tap:
        """Continue a tap of another worker; one that has ended stays as it is. Raises NotFound."""

    def abandon(self, call_key: str, tap_id: str, at: datetime) -> Tap:
        """Stop a tap that no worker sends; one that has ended stays as it is. Raises NotFound."""

    def end(self, tap: Tap, cause: TapCause, reason: str, quality: TapQuality, at: datetime) -> Tap:
        """End a tap that no longer sends; of one that has ended only note the quality. One that
        another worker continues stays as it is. Raises NotFound."""
