"""Knows which recordings need a call's media, from the database's answers and from commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from chalicelib.ports.values import JoinResult
from chalicelib.recording import intervals, lifecycle
from chalicelib.recording.intervals import Behavior
from chalicelib.recording.lifecycle import Cause, Writer, advance
from chalicelib.recording.model import Recording
from chalicelib.sink.calls.stream_extent import StreamExtent, earliest_end


class ActiveRecordings:
    """The live recordings of a call's newest session, on this worker.

    A command takes effect here at once, and in the database afterwards; answers that come in
    between are outdated.
    """

    def __init__(self) -> None:
        self._session = 0
        """the newest in any answer"""
        self._live: dict[str, Recording] = {}
        self._changing: set[str] = set()
        """recordings whose latest change isn't in the database yet"""
        self._beginning: set[str] = set()
        """recordings that a command begins: they need media before the database has answered"""
        self._over: set[str] = set()
        """recordings that have ended before their call"""
        self.paused_until_us = 0
        """the end of the latest time in which all recordings were paused"""

    @property
    def had_none(self) -> bool:
        """Whether no recording has ever needed the call's media."""
        return not self._live and not self._over

    @property
    def is_any(self) -> bool:
        """Whether a recording needs the call's media now."""
        captures = (lifecycle.is_capturing(one.state) for one in self._live.values())
        return bool(self._beginning) or any(captures)

    @property
    def is_paused(self) -> bool:
        """Whether there are recordings and all of them are paused."""
        return bool(self._live) and not self.is_any

    def was_only(self, recording_id: str) -> bool:
        """Whether an ended recording is the only one that ever needed the media."""
        others = self._live.keys() | self._changing | self._beginning | self._over
        return others == {recording_id}

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """Return the live recordings, as this worker knows them."""
        return tuple(self._live.values())

    def learn(self, result: JoinResult) -> None:
        """Take an answer of the database. Answers may overtake each other, and commands."""
        if result.call_session > self._session:
            self._session, self._live = result.call_session, {}
        if result.call_session == self._session:
            for recording in result.recordings:
                self._take(recording)

    def adopt(self, recording: Recording) -> None:
        """Take a recording as a command left it in the database."""
        self._changing.discard(recording.recording_id)
        if recording.round >= self._session:
            self._take(recording)

    def begin(self, recording_id: str, at_us: int) -> None:
        """Begin to keep media for a recording that isn't live in the database yet."""
        self._end_pause(at_us)
        self._beginning.add(recording_id)

    def begun(self, recording_id: str) -> None:
        """Let the database's answer decide again whether a recording needs media."""
        self._beginning.discard(recording_id)

    def pause(self, recording_id: str, at_us: int, behavior: Behavior) -> None:
        """Keep no more media for a recording that is paused."""
        known = self._begin_change(recording_id)
        if known is not None and lifecycle.is_capturing(known.state):
            shown = intervals.paused(known.intervals, at_us, behavior)
            self._change(replace(known, intervals=shown), Cause.PAUSE)

    def resume(self, recording_id: str, at_us: int) -> None:
        """Keep media again for a recording that was paused."""
        self._end_pause(at_us)
        known = self._begin_change(recording_id)
        if known is not None and lifecycle.is_paused(known.state):
            shown = intervals.resumed(known.intervals, at_us)
            self._change(replace(known, intervals=shown), Cause.RESUME)

    def end(self, recording_id: str) -> None:
        """Keep no more media for a recording, whatever later answers say."""
        self._live.pop(recording_id, None)
        self._over.add(recording_id)

    def ended_by_length(
        self, extents: Iterable[StreamExtent], now_us: int
    ) -> Iterator[tuple[str, int]]:
        """End the recordings that have reached their max_length; yield each one and its end."""
        extents = list(extents)
        for recording in list(self._live.values()):
            length_us = round(recording.options.max_length_s * 1_000_000)
            if not length_us or recording.started_at is None:
                continue
            if not lifecycle.is_capturing(recording.state):
                continue
            started_us = round(recording.started_at.timestamp() * 1_000_000)
            end_us = earliest_end(extents, length_us, started_us, now_us, recording.intervals)
            if end_us is not None:
                self.end(recording.recording_id)
                yield recording.recording_id, end_us

    def _take(self, recording: Recording) -> None:
        key = recording.recording_id
        known = self._live.get(key)
        if key in self._over or key in self._changing:
            return
        if known is not None and known.version >= recording.version:
            return
        if lifecycle.is_live(recording.state):
            self._live[key] = recording
        else:
            self.end(key)

    def _end_pause(self, at_us: int) -> None:
        if self.is_paused:
            self.paused_until_us = at_us

    def _begin_change(self, recording_id: str) -> Recording | None:
        self._changing.add(recording_id)
        return self._live.get(recording_id)

    def _change(self, recording: Recording, cause: Cause) -> None:
        state = advance(recording.state, cause, Writer.OWNER)
        self._live[recording.recording_id] = replace(recording, state=state)
