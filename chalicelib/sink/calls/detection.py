"""Feeds a live call's sound and digits to `recording.detection`.

It listens to the call only while a recording needs detection; other calls pay nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.records import Record
from chalicelib.recording.detection.end_detector import EndDetector
from chalicelib.recording.detection.end_rules import EndDecision
from chalicelib.recording.detection.track_detector import TrackSource
from chalicelib.recording.model import Recording
from chalicelib.sink.ingest.fan_out import FanOut
from chalicelib.sink.ingest.live_stream import LiveStream

BufferedMedia = Iterable[tuple[LiveStream, Record]]
"""media of a call that is still in memory"""


class Detection:
    """Detects what ends the recordings of one call."""

    def __init__(self, fan_out: FanOut, end: Callable[[EndDecision], None]) -> None:
        self._fan_out = fan_out
        self._end = end
        self._end_detector = EndDetector()
        self._sources: dict[LiveStream, TrackSource] = {}
        """the streams that it listens to"""
        self._is_added = False

    def attend(
        self, recordings: Iterable[Recording], buffered: Callable[[], BufferedMedia]
    ) -> None:
        """Listen for the live recordings of the call, as they are now.

        What a stream brought earlier, and `buffered` still has, is detected first.
        """
        streams = self._fan_out.streams
        if not streams:
            return
        self._end_detector.attend(recordings, min(stream.opened_us for stream in streams))
        if self._end_detector.is_listening:
            self._catch_up(streams, buffered)
        else:
            self._sources.clear()
        self._listen_if_needed()

    def hear(self, stream: LiveStream, track: Track, payload: bytes, arrival_us: int) -> None:
        """Take a message's payload."""
        source = self._sources.get(stream)
        if source is None:
            source = self._sources[stream] = _source(stream)
        decisions = self._end_detector.hear(source, track, payload, stream.encoding, arrival_us)
        if decisions:
            self._announce(decisions)

    def press(self, stream: LiveStream, digit: str, arrival_us: int) -> None:
        """Take a digit that the carrier reported beside the sound."""
        self._announce(self._end_detector.press(digit, arrival_us))

    def beep(self, recording_id: str, now_us: int) -> None:
        """Take note that a recording's beep is sent to the party: it isn't speech."""
        self._end_detector.beep(recording_id, now_us)

    def pass_time(self, now_us: int) -> None:
        """End the recordings whose timeouts have run out, even if no media comes."""
        if not self._is_added:
            return
        for stream, source in self._sources.items():
            if stream.ended.is_set():
                self._end_detector.leave(source)
        if not all(stream.ended.is_set() for stream in self._sources):
            self._announce(self._end_detector.pass_time(now_us))

    def _catch_up(
        self, streams: tuple[LiveStream, ...], buffered: Callable[[], BufferedMedia]
    ) -> None:
        new = [stream for stream in streams if stream not in self._sources]
        self._sources = {stream: self._sources.get(stream) or _source(stream) for stream in streams}
        if not new:
            return
        from_us = self._end_detector.listens_from_us
        early = [(stream, record) for stream, record in buffered() if stream in new]
        if any(_is_beginning_lost(stream, early) for stream in new):
            self._end_detector.miss_beginning()
        for stream, record in sorted(early, key=lambda one: one[1].arrived_at_us):
            end_us = _end_us(stream, record)
            if from_us is None or end_us > from_us:
                source, encoding = self._sources[stream], _encoding(stream, record)
                heard = self._end_detector.hear(
                    source, record.track, record.payload, encoding, end_us
                )
                self._announce(heard)

    def _announce(self, decisions: Iterable[EndDecision]) -> None:
        for decision in decisions:
            self._end(decision)
        self._listen_if_needed()

    def _listen_if_needed(self) -> None:
        """Listen to the call exactly while a recording needs it."""
        is_listening = self._end_detector.is_listening
        if is_listening and not self._is_added:
            self._fan_out.add(self)
        elif self._is_added and not is_listening:
            self._fan_out.remove(self)
        self._is_added = is_listening


def _is_beginning_lost(stream: LiveStream, buffered: list[tuple[LiveStream, Record]]) -> bool:
    firsts = [record.first_sample for of, record in buffered if of is stream]
    if firsts:
        return min(firsts) > 0
    return stream.head().messages_received > 0


def _source(stream: LiveStream) -> TrackSource:
    assert stream.started is not None
    return TrackSource(rate_hz=stream.started.rate_hz, tells_digits=stream.opening.tells_digits)


def _encoding(stream: LiveStream, record: Record) -> Encoding:
    """Return a record's encoding; one that was collected before the encoding was known is wrong."""
    assert stream.started is not None
    return stream.encoding if stream.started.encoding is None else record.encoding


def _end_us(stream: LiveStream, record: Record) -> int:
    """Return when a record's last sample would have sounded without delay."""
    assert stream.started is not None
    samples = record.first_sample + record.samples
    sounded_us = samples * 1_000_000 // stream.started.rate_hz
    return stream.opened_us + record.least_lateness_us + sounded_us
