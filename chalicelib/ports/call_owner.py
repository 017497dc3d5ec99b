"""What a call's owner asks of the rest: the sink's door to the Core and Hot tables.

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
from chalicelib.tapping.lifecycle import Cause as TapCause
from chalicelib.tapping.model import Tap, TapQuality, TapRequest


class CallControl(Protocol):
    """The owner's writes: each is conditional, and may be repeated after Unavailable."""

    def join_call(self, joining: JoinRequest) -> JoinResult | OwnedElsewhere:
        """Put the stream under its call, open or reopen that, start the recordings that are wanted:
        the pending ones and its profile's. The first stream's worker owns the call; of another
        worker's stream is only told who that is, unless it claims the call or captures alone."""

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
        """Note that all media of a stream lies in segments (of a DEAD one, or not `in_segments`:
        the journal holds the rest), in which, and how it ended; return how it ended (STOPPED where
        the carrier's webhook already said so). `reason`: why this side ended it."""

    def close_call(self, call: CallRef, round_: int, at: datetime) -> CloseResult:
        """Close the call if no stream of it lives and no grace runs; then its live recordings go
        finalizing, and its taps are finished."""

    def end_recording(self, recording_id: str, cause: Cause, at: datetime, digit: str = "") -> None:
        """Move one recording of a live call to finalizing and start its finalization; to `no_input`
        where nobody spoke. `digit`: which one ended it."""


class DeadWorkers(Protocol):
    """What living workers do about dead ones. Each may be done again, by several at once."""

    def declare_dead(self, lease: Lease) -> Sequence[Stream]:
        """Declare a worker dead; return what it held, nothing where it lives."""

    def end_stream(self, stream: Stream, lease: Lease) -> CloseResult:
        """End a stream of a worker that is over, and close its call where its time has come."""


class LiveRecordings(Protocol):
    """The owner's writes to a recording whose call streams; may be repeated after Unavailable.

    Each returns the recording as it then is: where its state has no such move, unchanged. `at_us`
    is when capture changed, on the clock of arrivals. Each raises NotFound.
    """

    def begin(self, recording_id: str, at_us: int) -> Recording:
        """Begin one that is pending; it shows what comes from now on."""

    def note_beep(self, recording_id: str, at_us: int) -> Recording:
        """Note that the party heard its beep."""

    def pause(self, recording_id: str, at_us: int, behavior: Behavior) -> Recording:
        """Pause one."""

    def resume(self, recording_id: str, at_us: int) -> Recording:
        """Let a paused one go on."""


class LiveTaps(Protocol):
    """The owner's writes to outgoing taps; may be repeated after Unavailable.

    Each returns the tap as it then is.
    """

    def begin(self, request: TapRequest, source_address: str, source_port: int) -> Tap:
        """Begin one that sends from now on; one that exists stays as it is. Raises NotFound."""

    def refuse(self, request: TapRequest, reason: str, at: datetime) -> Tap:
        """Finish one whose destination never took it; one that exists stays as it is. Raises
        NotFound."""

    def take_over(self, tap: Tap, worker: str, source_address: str, source_port: int) -> Tap:
        """Send on from now on what another worker sent; one that ended stays as it is. Raises
        NotFound."""

    def abandon(self, call_key: str, tap_id: str, at: datetime) -> Tap:
        """Stop one that nobody sends any more; one that ended stays as it is. Raises NotFound."""

    def end(self, tap: Tap, cause: TapCause, reason: str, quality: TapQuality, at: datetime) -> Tap:
        """Finish one that sends no more; of one that is finished already note the quality. One that
        another worker sends on by now stays as it is. Raises NotFound."""
