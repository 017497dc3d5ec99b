"""Which recordings want a call's media: as answers of the database and commands tell it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from chalicelib.ports.values import JoinResult
from chalicelib.recording import intervals, lifecycle
from chalicelib.recording.intervals import Behavior
from chalicelib.recording.lifecycle import Cause, Writer, advance
from chalicelib.recording.model import Recording
from chalicelib.sink.calls.max_length import StreamExtent, earliest_end


class ActiveRecordings:
    """The live recordings of a call's newest round on this worker.

    A command changes what is wanted at once; the database hears of it afterwards, and what it says
    meanwhile is old.
    """

    def __init__(self) -> None:
        self._round = 0
        """the newest that an answer told"""
        self._live: dict[str, Recording] = {}
        self._moving: set[str] = set()
        """recordings of which the database doesn't know yet what a command made of them"""
        self._beginning: set[str] = set()
        """those that a command begins: they want media before the database has said so"""
        self._over: set[str] = set()
        """recordings that ended before their call"""
        self.paused_until_us = 0
        """when the latest pause of all recordings ended"""

    @property
    def had_none(self) -> bool:
        """Tell whether no recording ever wanted the call's media."""
        return not self._live and not self._over

    @property
    def is_any(self) -> bool:
        """Tell whether a recording wants the call's media."""
        captures = (lifecycle.is_capturing(one.state) for one in self._live.values())
        return bool(self._beginning) or any(captures)

    @property
    def is_paused(self) -> bool:
        """Tell whether there are recordings and none of them wants the call's media now."""
        return bool(self._live) and not self.is_any

    def was_only(self, recording_id: str) -> bool:
        """Tell whether a recording that is over is the only one that ever wanted the media."""
        others = self._live.keys() | self._moving | self._beginning | self._over
        return others == {recording_id}

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """Return the live ones, as they are here."""
        return tuple(self._live.values())

    def learn(self, joined: JoinResult) -> None:
        """Take an answer. Answers may overtake each other, and commands."""
        if joined.round > self._round:
            self._round, self._live = joined.round, {}
        if joined.round == self._round:
            for recording in joined.recordings:
                self._take(recording)

    def adopt(self, recording: Recording) -> None:
        """Take a recording as it was stored after a command."""
        self._moving.discard(recording.recording_id)
        if recording.round >= self._round:
            self._take(recording)

    def begin(self, recording_id: str, at_us: int) -> None:
        """Want what comes from now on for a recording that the database doesn't call live yet."""
        self._end_pause(at_us)
        self._beginning.add(recording_id)

    def begun(self, recording_id: str) -> None:
        """Leave it to `adopt` again whether it is wanted."""
        self._beginning.discard(recording_id)

    def pause(self, recording_id: str, at_us: int, behavior: Behavior) -> None:
        """Want nothing more for a recording."""
        known = self._begin_move(recording_id)
        if known is not None and lifecycle.is_capturing(known.state):
            shown = intervals.paused(known.intervals, at_us, behavior)
            self._move(replace(known, intervals=shown), Cause.PAUSE)

    def resume(self, recording_id: str, at_us: int) -> None:
        """Want what comes from now on for a recording that paused."""
        self._end_pause(at_us)
        known = self._begin_move(recording_id)
        if known is not None and lifecycle.is_paused(known.state):
            shown = intervals.resumed(known.intervals, at_us)
            self._move(replace(known, intervals=shown), Cause.RESUME)

    def end(self, recording_id: str) -> None:
        """Want nothing more for a recording, whatever is said of it."""
        self._live.pop(recording_id, None)
        self._over.add(recording_id)

    def ended_by_length(
        self, clocks: Iterable[StreamExtent], now_us: int
    ) -> Iterator[tuple[str, int]]:
        """Yield the recordings that have run their max_length, and when; they are over by then."""
        clocks = list(clocks)
        for recording in list(self._live.values()):
            length_us = round(recording.options.max_length_s * 1_000_000)
            if not length_us or recording.started_at is None:
                continue
            if not lifecycle.is_capturing(recording.state):
                continue
            started_us = round(recording.started_at.timestamp() * 1_000_000)
            end_us = earliest_end(clocks, length_us, started_us, now_us, recording.intervals)
            if end_us is not None:
                self.end(recording.recording_id)
                yield recording.recording_id, end_us

    def _take(self, recording: Recording) -> None:
        key = recording.recording_id
        known = self._live.get(key)
        if key in self._over or key in self._moving:
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

    def _begin_move(self, recording_id: str) -> Recording | None:
        self._moving.add(recording_id)
        return self._live.get(recording_id)

    def _move(self, recording: Recording, cause: Cause) -> None:
        state = advance(recording.state, cause, Writer.OWNER)
        self._live[recording.recording_id] = replace(recording, state=state)
