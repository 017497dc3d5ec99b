"""The sound that a tap sends: tracks in as they come, out in pieces of one ptime.

A jitter buffer for each track evens out how they came; a payload's position is the count of those
before it. Ticks are the clock: a caller that ticks every ptime plays in real time.

`speak` is the inbound track, `listen` the outbound, `both` their sum. A call that has only a mixed
track is sent as that, whatever was asked for: it can't be taken apart.

A tap sends 8 kHz. A source of another rate is resampled before its jitter buffer; one of 8 kHz is
not decoded on the way unless its encoding isn't the tap's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chalicelib.capture.events import Track
from chalicelib.media import codecs
from chalicelib.media.jitter import Depth, JitterBuffer
from chalicelib.media.resample import Resampler
from chalicelib.media.rtp import RATE_HZ
from chalicelib.recording.model import Direction
from chalicelib.tapping.packetizer import Packetizer, mixed

DEPTH = Depth(least=40 * 8, most=240 * 8, kept=80 * 8)
"""40 ms at first. A tap that falls 240 ms behind goes on without a word lost; its source's clock
stood still. It catches up only what is more than 120 ms, so that no jitter costs a sample."""

_TRACKS: Mapping[Direction, frozenset[Track]] = MappingProxyType(
    {
        Direction.SPEAK: frozenset({Track.INBOUND}),
        Direction.LISTEN: frozenset({Track.OUTBOUND}),
        Direction.BOTH: frozenset({Track.INBOUND, Track.OUTBOUND}),
    }
)


class _Voice:
    """One track in one encoding and at one rate."""

    __slots__ = ("buffer", "encoding", "position", "rate_hz", "resampler", "source", "width")

    def __init__(self, source: str, rate_hz: int, depth: Depth) -> None:
        self.source = source
        """the encoding in which the track comes"""
        self.rate_hz = rate_hz
        self.resampler = None if rate_hz == RATE_HZ else Resampler(rate_hz, RATE_HZ)
        self.encoding = "L16" if self.resampler else source
        """of what waits in the buffer"""
        self.buffer = JitterBuffer(self.encoding, depth)
        self.width = codecs.bytes_per_sample(self.encoding)
        self.position = 0
        """of what comes next"""


class Playout:
    """One tap's sound."""

    def __init__(
        self,
        direction: Direction,
        codec: str,
        ptime_ms: int,
        packetizer: Packetizer,
        depth: Depth = DEPTH,
    ) -> None:
        self._wanted = _TRACKS[direction]
        self._codec = codec
        self._samples = ptime_ms * RATE_HZ // 1000
        self._packetizer = packetizer
        self._depth = depth
        self._voices: dict[Track, _Voice] = {}
        self._silent = self._skipped = self._late = 0

    def take(self, track: Track, payload: bytes, encoding: str, rate_hz: int = RATE_HZ) -> None:
        """Take what came of a track; one that isn't wanted is left."""
        voice = self._voices.get(track)
        if voice is None or voice.source != encoding or voice.rate_hz != rate_hz:
            if not self._is_wanted(track):
                return
            voice = self._open(track, encoding, rate_hz)
        if voice.resampler is not None:
            payload = voice.resampler.feed(codecs.decode(payload, encoding))
        voice.buffer.push(voice.position, payload)
        voice.position += len(payload) // voice.width

    def tick(self) -> list[bytes]:
        """Return what is to be sent of the next ptime."""
        heard = []
        for voice in self._voices.values():
            pulled = voice.buffer.pull(self._samples)
            if pulled.heard:
                heard.append((pulled.payload, voice.encoding))
        if heard:
            return self._packetizer.sound(mixed(heard, self._codec))
        self._silent += self._samples
        return self._packetizer.silence(self._samples)

    @property
    def is_drained(self) -> bool:
        """Whether nothing waits for its time."""
        return not any(voice.buffer.ahead for voice in self._voices.values())

    @property
    def silence_ms(self) -> int:
        """Return how long nothing was heard."""
        return self._silent * 1000 // RATE_HZ

    @property
    def skipped_ms(self) -> int:
        """Return how much was left out to catch up."""
        skipped = sum(voice.buffer.skipped for voice in self._voices.values())
        return (self._skipped + skipped) * 1000 // RATE_HZ

    @property
    def messages_late(self) -> int:
        """Count what came after its time and was left out, or cut."""
        return self._late + sum(voice.buffer.late for voice in self._voices.values())

    def _is_wanted(self, track: Track) -> bool:
        if track is Track.MIXED:
            return not self._voices.keys() - {Track.MIXED}
        return track in self._wanted

    def _open(self, track: Track, encoding: str, rate_hz: int) -> _Voice:
        """Begin a track, or begin it again in another encoding or at another rate."""
        self._close(track)
        if track is not Track.MIXED:
            self._close(Track.MIXED)
        voice = self._voices[track] = _Voice(encoding, rate_hz, self._depth)
        return voice

    def _close(self, track: Track) -> None:
        voice = self._voices.pop(track, None)
        if voice is not None:
            self._skipped += voice.buffer.skipped + voice.buffer.ahead
            self._late += voice.buffer.late
