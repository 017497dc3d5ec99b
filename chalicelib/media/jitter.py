"""A jitter buffer: packets in by their position, an unbroken row of samples out.

It is used only before what must play in real time (outgoing taps, detectors), never before
storage. Pulling is the clock: a reader that pulls 160 samples every 20 ms plays 8,000 a second. How
early packets come before their turn (their slack) is all that the buffer goes by:

- A packet that comes too late makes the buffer deeper, up to `most`, so that it and its likes are
  in time. Beyond that, or after what should follow it has sounded, it is dropped and counted.
- Two seconds in which every packet came far too early make it shallower by a frame, to `least`
  (and `kept`) at the least; where its own clock is the faster one, it becomes deeper by one.
- A clock that stood still (a source without timestamps, after a pause) or leapt starts over.

With `least` = `most` its depth is fixed. It follows a drift between both clocks in either case.

By hand: aiortc's buffer drops what a tap has to count, and knows no encoding's silence.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from chalicelib.media import codecs

FRAME_MS = 20
"""by which it becomes shallower: what a listener overhears"""
WINDOW_S = 2
LATE_ROW = 5
"""packets dropped one after the other, none in time between: the source's clock is another now"""
_BEYOND_MOST_S = 1
"""how much more than its depth it holds; then the oldest is dropped"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """How long a packet waits, in samples; WebRTC's buffers have 20 to 200 ms for calls."""

    least: int
    most: int
    kept: int = 0
    """so much above `least` it doesn't become shallower: where nothing may be left out, a little
    more delay costs less than 20 ms of speech"""


class Pulled(msgspec.Struct, frozen=True, gc=False):
    """Samples whose time has come."""

    payload: bytes
    """as many as asked for; silence where nothing came in time"""
    heard: int
    """samples of it that came"""


class JitterBuffer:
    """One track of one encoding."""

    __slots__ = (
        "_ahead",
        "_capacity",
        "_depth",
        "_encoding",
        "_end",
        "_floor",
        "_frame",
        "_greatest",
        "_heard",
        "_late_row",
        "_least_slack",
        "_most_slack",
        "_play",
        "_pulled",
        "_sounded",
        "_width",
        "_window",
        "late",
        "restarts",
        "silent",
        "skipped",
    )

    def __init__(self, encoding: str, depth: Depth, rate_hz: int = 8000) -> None:
        self.late = 0
        """packets that came after their time and were left out, or cut"""
        self.skipped = 0
        """samples that came in time and were left out, to catch up"""
        self.silent = 0
        """samples of silence given for what didn't come"""
        self.restarts = 0
        self._encoding = encoding
        self._width = codecs.bytes_per_sample(encoding)
        self._depth = depth
        self._floor = depth.least + depth.kept
        self._capacity = depth.most + _BEYOND_MOST_S * rate_hz
        self._frame = FRAME_MS * rate_hz // 1000
        self._window = WINDOW_S * rate_hz
        self._play: int | None = None
        """the position whose turn is next"""
        self._ahead = bytearray()
        """payload from there on"""
        self._heard = bytearray()
        """1 for each sample of it that came"""
        self._end = 0
        """after the last sample that ever came"""
        self._sounded = 0
        """after the last sample that was heard; what lies before it is too late to play"""
        self._late_row = 0
        self._pulled = 0
        self._greatest = depth.least
        self._least_slack: int | None = None
        self._most_slack = 0

    def push(self, position: int, payload: bytes) -> None:
        """Take the payload that begins at a position."""
        slack = position - (self.begin(position) if self._play is None else self._play)
        samples = len(payload) // self._width
        if slack < 0 or position < self._sounded:
            slack, payload = self._fit_late(position, payload)
        else:
            self._late_row = 0
            if slack + samples > self._capacity:
                slack, payload = self._fit_early(position, payload)
        self._end = max(self._end, position + samples)
        if payload:
            self._write(slack, payload)

    def pull(self, samples: int) -> Pulled:
        """Return the next samples; the time that they take has passed since the last pull."""
        size = samples * self._width
        payload, flags = bytes(self._ahead[:size]), self._heard[:samples]
        del self._ahead[:size], self._heard[:samples]
        heard = flags.count(1)
        self.silent += samples - heard
        if len(payload) < size:
            payload += codecs.silent_payload(samples - len(payload) // self._width, self._encoding)
        if self._play is not None:
            if heard:
                self._sounded = self._play + flags.rfind(1) + 1
            self._play += samples
            self._pulled += samples
            if self._pulled >= self._window:
                self._settle()
        return Pulled(payload, heard)

    @property
    def ahead(self) -> int:
        """Return how many samples wait for their time, silence between them included."""
        return len(self._heard)

    @property
    def depth(self) -> int:
        """Return how many samples the quickest packet waits, about."""
        return self._greatest

    def restart(self, position: int, waited: int = 0) -> None:
        """Start over at a position, as for the first packet: another source counts from there."""
        self.restarts += 1
        self.skipped += self._heard.count(1)
        self._ahead.clear()
        self._heard.clear()
        self.begin(position, waited)

    def begin(self, position: int, waited: int = 0) -> int:
        """Begin at a position whose packet came so many samples ago, since it had to wait for
        others; return the position whose turn is next. Of what would wait for longer than `most`
        the beginning is left out."""
        behind = min(waited, self._depth.most - self._depth.least)
        self._play = play = position - self._depth.least + waited - behind
        self._sounded = self._end = play
        self._greatest = self._depth.least + behind
        self._late_row = 0
        self._forget_slack()
        return play

    def _fit_early(self, position: int, payload: bytes) -> tuple[int, bytes]:
        """Make room for a packet too far ahead; return its slack and what of it has room."""
        assert self._play is not None
        samples = len(payload) // self._width
        excess = position + samples - self._play - self._capacity
        if excess > self._capacity:
            self.restart(position)
        else:
            self._skip(excess)
        slack = position - self._play
        beyond = max(0, -slack)
        self.skipped += beyond
        return slack + beyond, payload[beyond * self._width :]

    def _fit_late(self, position: int, payload: bytes) -> tuple[int, bytes]:
        """Return the slack, at least 0, and what can still be played of a packet."""
        assert self._play is not None
        behind = self._play - position
        room = self._depth.most - self._greatest
        if position >= self._sounded and behind <= room:
            deeper = max(behind, min(self._frame, room))
            self._deepen(deeper)
            return deeper - behind, payload
        self._late_row += 1
        if self._late_row >= LATE_ROW or (position == self._end and behind > self._depth.most):
            self.restart(position)
            return self._depth.least, payload
        self.late += 1
        playable = max(self._play, self._sounded)
        return playable - self._play, payload[(playable - position) * self._width :]

    def _deepen(self, samples: int) -> None:
        assert self._play is not None
        self._ahead[:0] = codecs.silent_payload(samples, self._encoding)
        self._heard[:0] = bytes(samples)
        self._play -= samples
        self._greatest += samples
        self._most_slack += samples

    def _write(self, slack: int, payload: bytes) -> None:
        offset, samples = slack * self._width, len(payload) // self._width
        missing = slack - len(self._heard)
        if missing > 0:
            self._ahead += codecs.silent_payload(missing, self._encoding)
            self._heard += bytes(missing)
        self._ahead[offset : offset + len(payload)] = payload
        self._heard[slack : slack + samples] = b"\1" * samples
        self._note(slack)

    def _note(self, slack: int) -> None:
        least = self._least_slack
        self._least_slack = slack if least is None else min(least, slack)
        self._most_slack = max(self._most_slack, slack)

    def _settle(self) -> None:
        """Become shallower where two seconds showed that less is enough, or undo a drift."""
        least, most = self._least_slack, self._most_slack
        if least is not None:
            if most > self._depth.most:
                most -= self._skip(min(least, most - self._depth.most))
            elif least >= 2 * self._frame and most - self._frame >= self._floor:
                most -= self._skip(self._frame)
            elif most + self._frame <= self._depth.least:
                self._deepen(self._frame)
                most += self._frame
            self._greatest = most
        self._pulled = 0
        self._forget_slack()

    def _skip(self, samples: int) -> int:
        assert self._play is not None
        self.skipped += self._heard.count(1, 0, samples)
        del self._ahead[: samples * self._width], self._heard[:samples]
        self._play += samples
        return samples

    def _forget_slack(self) -> None:
        self._least_slack, self._most_slack = None, 0
