"""In-band digits: key presses found in a track's pcm, timed as ITU-T Q.24 asks.

A window of 16 ms is looked at every 8 ms. A key is pressed when three windows running hold one tone
pair that goes on steadily, and let go when five don't.

By hand: no kept Python package detects digits in a stream; decision 41 has the measurements.
"""

from __future__ import annotations

from chalicelib.media.digits import DigitBegun, DigitEnded, DigitEvent
from chalicelib.media.pcm import WIDTH
from chalicelib.media.tone_pairs import PairFinder, TonePair, is_steady

WINDOW_MS = 16
HOP_MS = 8
WINDOWS_TO_BEGIN = 3
"""a tone of 40 ms always fills three, one up to 18 ms never does: between Q.24's 40 and 20 to 24"""
WINDOWS_TO_END = 5
"""an interruption up to 20 ms is bridged, a pause of 40 ms divides two presses"""


class DigitDetector:
    """The digits of one track. A press is reported with its place to ± 10 ms."""

    __slots__ = (
        "_begun",
        "_end",
        "_finder",
        "_hop",
        "_hop_s",
        "_last",
        "_misses",
        "_pending",
        "_position",
        "_run",
        "_window",
    )

    def __init__(self, rate_hz: int, *, first_sample: int = 0) -> None:
        """Listen from a position on; any rate of L16 will do."""
        self._window = WINDOW_MS * rate_hz // 1000
        self._hop = HOP_MS * rate_hz // 1000
        self._hop_s = self._hop / rate_hz
        self._finder = PairFinder(rate_hz, self._window)
        self._pending = b""
        self._position = first_sample
        """of the next window"""
        self._last: TonePair | None = None
        self._run = 0
        self._begun: DigitBegun | None = None
        self._end = 0
        self._misses = 0

    @property
    def sounding(self) -> str | None:
        """The digit whose key is down."""
        return None if self._begun is None else self._begun.digit

    def feed(self, pcm: bytes) -> list[DigitEvent]:
        """Take the next samples, any number; return what they tell, in order."""
        pending = self._pending + pcm
        size, step = WIDTH * self._window, WIDTH * self._hop
        find = self._finder.find
        events: list[DigitEvent] = []
        begin = 0
        while begin + size <= len(pending):
            pair = find(pending[begin : begin + size])
            if pair is not None or self._last is not None or self._begun is not None:
                self._advance(pair, events)
            begin += step
            self._position += self._hop
        self._pending = pending[begin:]
        return events

    def skip(self, samples: int) -> list[DigitEvent]:
        """Leave out samples that nobody has, or may hear: a key that was down is let go before."""
        events: list[DigitEvent] = []
        self._let_go(events)
        self._position += len(self._pending) // WIDTH + samples
        self._pending = b""
        self._last = None
        self._run = 0
        return events

    def _advance(self, pair: TonePair | None, events: list[DigitEvent]) -> None:
        self._count(pair)
        if pair is not None and pair.digit == self.sounding:
            self._hold()
            return
        self._misses += 1
        is_another = self._run >= WINDOWS_TO_BEGIN
        if is_another or self._misses >= WINDOWS_TO_END:
            self._let_go(events)
        if pair is not None and is_another:
            self._press(pair.digit, events)

    def _count(self, pair: TonePair | None) -> None:
        """Count the windows running that hold one steady pair."""
        last, self._last = self._last, pair
        if pair is None:
            self._run = 0
        elif last is not None and is_steady(last, pair, self._hop_s):
            self._run += 1
        else:
            self._run = 1

    def _press(self, digit: str, events: list[DigitEvent]) -> None:
        first_sample = self._position - (self._run - 1) * self._hop
        self._begun = DigitBegun(digit=digit, first_sample=first_sample)
        events.append(self._begun)
        self._hold()

    def _hold(self) -> None:
        self._misses = 0
        self._end = self._position + self._window

    def _let_go(self, events: list[DigitEvent]) -> None:
        begun, self._begun = self._begun, None
        if begun is not None:
            samples = self._end - begun.first_sample
            events.append(
                DigitEnded(digit=begun.digit, first_sample=begun.first_sample, samples=samples)
            )
