"""Distributes a call's live media to its consumers; without any, it costs nothing."""

from __future__ import annotations

from chalicelib.capture.events import Track
from chalicelib.sink.ingest.live_stream import LiveStream, MediaConsumer


class FanOut:
    """The consumers of one call: each gets each track once, from its newest stream."""

    def __init__(self) -> None:
        self._streams: list[LiveStream] = []
        self._listeners: tuple[MediaConsumer, ...] = ()
        self._voices: dict[Track, LiveStream] = {}
        """whose media of a track counts"""

    @property
    def streams(self) -> tuple[LiveStream, ...]:
        """Return the joined streams, the first that joined first."""
        return tuple(self._streams)

    def add_stream(self, stream: LiveStream) -> None:
        """Distribute a stream that joined the call."""
        self._streams.append(stream)
        if self._listeners:
            stream.listen(self)

    def remove_stream(self, stream: LiveStream) -> None:
        """Forget a stream; one that never joined is none."""
        if stream in self._streams:
            self._streams.remove(stream)
            stream.listen(None)
            self._voices = {t: one for t, one in self._voices.items() if one is not stream}

    def add(self, listener: MediaConsumer) -> None:
        """Give what follows to a consumer, too."""
        self._listeners = (*self._listeners, listener)
        for stream in self._streams:
            stream.listen(self)

    def remove(self, listener: MediaConsumer) -> None:
        """Stop giving media to a consumer."""
        self._listeners = tuple(one for one in self._listeners if one is not listener)
        if not self._listeners:
            for stream in self._streams:
                stream.listen(None)

    def hear(self, stream: LiveStream, track: Track, payload: bytes, arrival_us: int) -> None:
        """Pass a message's payload on."""
        voice = self._voices.get(track)
        if voice is not stream:
            if voice is not None and voice.opened_us > stream.opened_us:
                return
            self._voices[track] = stream
        for listener in self._listeners:
            listener.hear(stream, track, payload, arrival_us)

    def press(self, stream: LiveStream, digit: str, arrival_us: int) -> None:
        """Pass a digit on."""
        for listener in self._listeners:
            listener.press(stream, digit, arrival_us)
