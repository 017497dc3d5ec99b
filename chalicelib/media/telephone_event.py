"""RTP's telephone-event (RFC 4733): payloads in, each key press reported once.

A press is sent as packets with one RTP timestamp, where it begins, and a growing duration; the last
has the end bit and comes three times. What is lost, doubled or out of order among them changes
nothing, as long as one of them arrives.

By hand: four bytes; what matters is the law of repeats, which no library has.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from chalicelib.errors import WireError
from chalicelib.media.digits import DigitBegun, DigitEnded, DigitEvent

EVENT_DIGITS = "0123456789*#ABCD"
"""events 0 to 15; the others (flash, fax and modem tones) are no digits"""
LOST_END_MS = 200
"""without a packet, until a key counts as let go; while it is down, ten would come at 20 ms"""
MEMORY_MS = 10_000
"""how late a packet of an earlier press can be; no jitter buffer is longer"""

_FORMAT = struct.Struct("!BBH")
_END = 0x80
_VOLUME = 0x3F


@dataclass(frozen=True, slots=True, kw_only=True)
class TelephoneEvent:
    """The content of one payload."""

    event: int
    is_end: bool
    volume_dbm0: int
    """0 to -63"""
    samples: int
    """so far, of the RTP clock"""

    @property
    def digit(self) -> str | None:
        """The digit; None for every other event."""
        return EVENT_DIGITS[self.event] if self.event < len(EVENT_DIGITS) else None


def parse_telephone_event(payload: bytes) -> TelephoneEvent:
    """Return what a payload says; what follows its first four bytes isn't read.

    Raises WireError for a shorter one.
    """
    if len(payload) < _FORMAT.size:
        raise WireError("rtp", f"a telephone-event of {len(payload)} bytes")
    event, flags, samples = _FORMAT.unpack_from(payload)
    return TelephoneEvent(
        event=event,
        is_end=bool(flags & _END),
        volume_dbm0=-(flags & _VOLUME),
        samples=samples,
    )


class TelephoneEvents:
    """The key presses of one RTP source; a new SSRC is a new one."""

    __slots__ = ("_begun", "_end", "_horizon", "_lost_after", "_memory")

    def __init__(self, rate_hz: int) -> None:
        self._lost_after = LOST_END_MS * rate_hz // 1000
        self._memory = MEMORY_MS * rate_hz // 1000
        self._begun: DigitBegun | None = None
        self._end = 0
        """as far as the key is known to be down"""
        self._horizon: int | None = None
        """what begins before this was already reported"""

    @property
    def sounding(self) -> str | None:
        """The digit whose key is down."""
        return None if self._begun is None else self._begun.digit

    def receive(self, packet: TelephoneEvent, timestamp: int) -> list[DigitEvent]:
        """Take a packet with its timestamp, extended beyond 32 bits; return what it tells."""
        digit = packet.digit
        if digit is None:
            return []
        events: list[DigitEvent] = []
        if not self._goes_on(digit, timestamp):
            if self._is_told(timestamp):
                return []
            self._let_go(events)
            self._press(digit, timestamp, events)
        self._end = max(self._end, timestamp + packet.samples)
        if packet.is_end:
            self._let_go(events)
        return events

    def advance(self, timestamp: int) -> list[DigitEvent]:
        """Hear that the source's clock has come so far: a key whose end was lost is let go."""
        events: list[DigitEvent] = []
        if timestamp - self._end >= self._lost_after:
            self._let_go(events)
        return events

    def finish(self) -> list[DigitEvent]:
        """Release the key that is down: the source has ended."""
        events: list[DigitEvent] = []
        self._let_go(events)
        return events

    def _goes_on(self, digit: str, timestamp: int) -> bool:
        """Whether a packet belongs to the key that is down.

        A press of more than 65,535 samples goes on under a new timestamp, where the last one ended.
        """
        begun = self._begun
        return begun is not None and (
            begun.digit == digit and begun.first_sample <= timestamp <= self._end
        )

    def _is_told(self, timestamp: int) -> bool:
        """Whether a packet's press is over; one far behind is a source that began again."""
        if self._horizon is None:
            return False
        return self._horizon - self._memory <= timestamp < self._horizon

    def _press(self, digit: str, timestamp: int, events: list[DigitEvent]) -> None:
        self._begun = DigitBegun(digit=digit, first_sample=timestamp)
        self._end = timestamp
        self._horizon = timestamp + 1
        events.append(self._begun)

    def _let_go(self, events: list[DigitEvent]) -> None:
        begun, self._begun = self._begun, None
        if begun is not None:
            self._horizon = max(self._horizon or 0, self._end)
            events.append(
                DigitEnded(
                    digit=begun.digit,
                    first_sample=begun.first_sample,
                    samples=self._end - begun.first_sample,
                )
            )
