"""Plays the beep of a recording that begins to the party, if a stream of the call can play."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from chalicelib.media.tones import beep
from chalicelib.recording import lifecycle
from chalicelib.recording.model import Recording
from chalicelib.sink.ingest.fan_out import FanOut

EARLIER_US = 1_000_000
"""a recording that began this long before the call's first stream here has had its beep"""


class Beeps:
    """Plays one beep for each recording of a call."""

    def __init__(self, fan_out: FanOut, note: Callable[[str, int], None]) -> None:
        """`note` is called with the id of a recording whose beep is sent, and the time."""
        self._fan_out = fan_out
        self._note = note
        self._known: set[str] = set()

    def attend(self, recordings: Iterable[Recording]) -> None:
        """Beep for recordings that have begun since; if no stream can play, the rendition gets the
        beep instead."""
        for recording in recordings:
            if not recording.options.beep or not lifecycle.is_capturing(recording.state):
                continue
            if recording.recording_id not in self._known and self._fan_out.streams:
                self._known.add(recording.recording_id)
                if self._is_new(recording):
                    self._play(recording.recording_id)

    def _is_new(self, recording: Recording) -> bool:
        opened_us = min(stream.opened_us for stream in self._fan_out.streams)
        if recording.started_at is None or recording.beep_played:
            return False
        return recording.started_at.timestamp() * 1_000_000 >= opened_us - EARLIER_US

    def _play(self, recording_id: str) -> None:
        for stream in self._fan_out.streams:
            assert stream.started is not None
            if stream.play(beep(stream.started.rate_hz)):
                self._note(recording_id, stream.now_us())
                return
