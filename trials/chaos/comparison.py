"""What of the frames that were sent is in a rendition's channel, where, and what else is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

_FRAME = 160
"""samples"""
_HOLE = 320
"""samples: 40 ms"""
_NEAR_MS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """A stretch of a channel in which nothing sounds, though the call went on."""

    at_ms: float
    """on the rendition's timeline"""
    heard_ms: float
    wanted_ms: float
    """as long as it was for who sent"""

    def is_told(self, gaps: Sequence[tuple[float, float]]) -> bool:
        """Whether a gap (offset, duration in ms) says so."""
        return any(
            abs(at_ms - self.at_ms) <= _NEAR_MS and abs(long_ms - self.wanted_ms) <= _NEAR_MS
            for at_ms, long_ms in gaps
        )


@dataclass(slots=True, kw_only=True)
class Channel:
    """One channel compared with its track; samples."""

    places: dict[int, int] = field(default_factory=dict)
    """where each frame that is there begins, by its number in what was sent"""
    reordered: int = 0
    duplicated: int = 0
    corrupt: int = 0


def compare(frames: Sequence[bytes], heard: bytes) -> Channel:
    """Find each frame (L16, of which none comes twice), bit for bit."""
    found = Channel()
    expected, latest = 0, 0
    for number, frame in enumerate(frames):
        at = expected if heard.startswith(frame, expected) else _find(heard, frame)
        if at is None:
            continue
        if at < latest:
            found.reordered += _FRAME
        found.places[number] = at // 2
        expected = at + len(frame)
        latest = max(latest, expected)
    _account_for_the_rest(found, frames, heard)
    return found


def holes(places: Mapping[int, int], indexes: Sequence[int]) -> list[Hole]:
    """Return a channel's holes of 40 ms and more; `indexes`: of the frames, in the call."""
    found = []
    numbers = sorted(places)
    for one, other in pairwise(numbers):
        begin = places[one] + _FRAME
        heard = places[other] - begin
        wanted = (indexes[other] - indexes[one] - 1) * _FRAME
        if max(heard, wanted) >= _HOLE:
            found.append(Hole(at_ms=begin / 8, heard_ms=heard / 8, wanted_ms=wanted / 8))
    return found


def joined(gaps: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return gaps with those that touch as one."""
    one: list[tuple[float, float]] = []
    for at_ms, long_ms in sorted(gaps):
        if one and abs(sum(one[-1]) - at_ms) < 1:
            one[-1] = (one[-1][0], one[-1][1] + long_ms)
        else:
            one.append((at_ms, long_ms))
    return one


def _account_for_the_rest(found: Channel, frames: Sequence[bytes], heard: bytes) -> None:
    """Count what sounds where no frame was found: a second time, or never sent so."""
    sent = b"".join(frames)
    end = 0
    for place in [*sorted(found.places.values()), len(heard) // 2]:
        rest = _trimmed(heard[2 * end : 2 * place])
        end = max(end, place + _FRAME)
        if not rest:
            continue
        at = _find(sent, rest)
        if at is None:
            found.corrupt += len(rest) // 2
        elif any(number in found.places for number in _numbers(at, len(rest))):
            found.duplicated += len(rest) // 2


def _numbers(at: int, size: int) -> range:
    return range(at // 2 // _FRAME, (at + size - 1) // 2 // _FRAME + 1)


def _trimmed(pcm: bytes) -> bytes:
    """Return a stretch without the silence around it, whole samples."""
    ahead = (len(pcm) - len(pcm.lstrip(b"\0"))) // 2 * 2
    behind = len(pcm.rstrip(b"\0"))
    return pcm[ahead : behind + behind % 2]


def _find(heard: bytes, wanted: bytes) -> int | None:
    at = heard.find(wanted)
    while at % 2 and at != -1:
        at = heard.find(wanted, at + 1)
    return None if at == -1 else at
