"""What a carrier's socket does and when, faults and all: a pure plan, in seconds of the call."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from chalicelib.capture.events import Track
from simulator.speech import FRAME_SAMPLES, RATE_HZ

FRAME_S = FRAME_SAMPLES / RATE_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """The carrier sends nothing of a track (None: of all): hold, or a late track, or none."""

    from_s: float = 0.0
    to_s: float = math.inf
    track: Track | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """The carrier sends, nothing arrives; its numbers are used up."""

    from_s: float
    to_s: float
    track: Track | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """The network keeps everything and delivers it at once when it ends."""

    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The socket breaks and another opens; media in between is lost. From 0: it opens late."""

    from_s: float
    to_s: float = math.inf
    url: str = ""
    """where the other opens; empty: where the first did"""
    track: Track | None = None
    """whose socket, where each track has its own"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rubbish:
    """Messages that no carrier sends."""

    at_s: float
    messages: tuple[str | bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong with a call's streams; nothing by default."""

    holes: tuple[Hole, ...] = ()
    losses: tuple[Loss, ...] = ()
    stalls: tuple[Stall, ...] = ()
    cuts: tuple[Cut, ...] = ()
    rubbish: tuple[Rubbish, ...] = ()
    drift_ppm: float = 0.0
    """the carrier's clock is so much too fast"""
    start_after_s: float = 0.0
    """a start message comes so late; infinite: never"""
    stops: bool = True
    """a stop message comes"""
    closes: bool = True
    """the socket closes cleanly at the end"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """Open a socket; a start message follows at once where it isn't the first."""

    at_s: float
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnect:
    """Drop the socket without a word."""

    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Send the dialect's opening messages."""

    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Send a message as it is."""

    at_s: float
    message: str | bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Send a payload."""

    at_s: float
    track: Track
    position: int
    """samples of the call before it"""
    payload: bytes
    number_in_stream: int
    number_in_track: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A party presses a digit; told where the dialect can tell it."""

    at_s: float
    digit: str


Action = Connect | Disconnect | Start | Say | Send | Press


def plan(
    sources: Mapping[Track, Iterable[bytes]], faults: Faults, presses: Iterable[Press] = ()
) -> Iterator[Action]:
    """Yield one socket's actions in order; sources yield 20 ms payloads of equal count."""
    asides = sorted([*_asides(faults, sources), *presses], key=lambda aside: aside.at_s)
    in_stream = count(1)
    in_track = {track: count(1) for track in sources}
    for index, payloads in enumerate(zip(*sources.values(), strict=True)):
        now_s = index * FRAME_S
        while asides and asides[0].at_s <= now_s:
            yield asides.pop(0)
        for track, payload in zip(sources, payloads, strict=True):
            if _within(now_s, track, faults.holes):
                continue
            numbers = next(in_stream), next(in_track[track])
            if _within(now_s, track, (*faults.losses, *faults.cuts)):
                continue
            yield Send(
                at_s=_arrival_s(now_s, faults),
                track=track,
                position=index * FRAME_SAMPLES,
                payload=payload,
                number_in_stream=numbers[0],
                number_in_track=numbers[1],
            )


def _asides(faults: Faults, tracks: Iterable[Track]) -> Iterator[Action]:
    cuts = [cut for cut in faults.cuts if cut.track is None or cut.track in tracks]
    if all(cut.from_s > 0 for cut in cuts):
        yield Connect(at_s=0.0)
        yield Start(at_s=faults.start_after_s)
    for cut in cuts:
        if cut.from_s > 0:
            yield Disconnect(at_s=cut.from_s)
        yield Connect(at_s=cut.to_s, url=cut.url)
        yield Start(at_s=cut.to_s)
    for rubbish in faults.rubbish:
        yield from (Say(at_s=rubbish.at_s, message=message) for message in rubbish.messages)


def _within(now_s: float, track: Track, faults: Iterable[Hole | Loss | Cut]) -> bool:
    return any(
        fault.from_s <= now_s < fault.to_s and fault.track in (None, track) for fault in faults
    )


def _arrival_s(now_s: float, faults: Faults) -> float:
    return max([now_s, *(s.to_s for s in faults.stalls if s.from_s <= now_s < s.to_s)])
