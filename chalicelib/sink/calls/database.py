"""The sink's door to the tables, asked from the loop: each question again until it is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

from chalicelib.ports.call_owner import CallControl, LiveRecordings
from chalicelib.ports.values import CloseResult, JoinRequest, JoinResult, OwnedElsewhere
from chalicelib.recording.intervals import Behavior
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import CallRef, Ending, Recording
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.runtime.retrying import RetryPool

T = TypeVar("T")


class Control:
    """CallControl and LiveRecordings in a pool of threads. Raises what they raise, except
    Unavailable."""

    def __init__(
        self,
        control: CallControl,
        live: LiveRecordings,
        health: Health,
        limits: Limits,
        sure: Callable[[], Awaitable[None]],
    ) -> None:
        """`sure` returns while the worker isn't dead to others: then it may move things."""
        self._control = control
        self._live = live
        self._sure = sure
        self._retry_pool = RetryPool("database", limits.control_threads, health, limits)

    async def join(self, joining: JoinRequest) -> JoinResult | OwnedElsewhere:
        """Put a stream under its call, or tell whose it is."""
        return await self._ask(partial(self._control.join_call, joining))

    async def end_stream(
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
        """Note that a stream ended and why, whether segments have all of its media, and which."""
        end = partial(self._control.end_stream, call, stream_key, ending, at)
        told = partial(end, in_segments=in_segments, segments=segments, reason=reason)
        return await self._ask(told)

    async def close_call(self, call: CallRef, round_: int, at: datetime) -> CloseResult:
        """Close a call if its time has come."""
        return await self._ask(partial(self._control.close_call, call, round_, at))

    async def end_recording(
        self, recording_id: str, cause: Cause, at: datetime, digit: str = ""
    ) -> None:
        """End one recording of a live call."""
        await self._ask(partial(self._control.end_recording, recording_id, cause, at, digit))

    async def begin_recording(self, recording_id: str, at_us: int) -> Recording:
        """Begin a pending recording of a live call."""
        return await self._ask(partial(self._live.begin, recording_id, at_us))

    async def note_beep(self, recording_id: str, at_us: int) -> Recording:
        """Note that the party heard a recording's beep."""
        return await self._ask(partial(self._live.note_beep, recording_id, at_us))

    async def pause_recording(self, recording_id: str, at_us: int, behavior: Behavior) -> Recording:
        """Pause a recording whose capture stopped."""
        return await self._ask(partial(self._live.pause, recording_id, at_us, behavior))

    async def resume_recording(self, recording_id: str, at_us: int) -> Recording:
        """Let a recording whose capture goes on go on."""
        return await self._ask(partial(self._live.resume, recording_id, at_us))

    def close(self) -> None:
        """Ask nothing more."""
        self._retry_pool.close()

    async def _ask(self, question: Callable[[], T]) -> T:
        return await self._retry_pool.retry(question, self._sure)
