"""A call's recordings against what was sent of it, and against the worker's deaths."""

from __future__ import annotations

import audioop  # from audioop-lts where Python has it no longer
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.capture.events import Encoding, Track
from tests.e2e.listening import Heard
from trials.chaos.caller import Call, Sent
from trials.chaos.comparison import Channel, compare, holes, joined
from trials.chaos.slots import Life

_DECODE = {Encoding.PCMU: audioop.ulaw2lin, Encoding.PCMA: audioop.alaw2lin}
_FRAME_S = 0.02
_NEAR_S = 0.1
"""a stream is live so long after its last frame"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A recording as the API shows it, and its rendition."""

    shown: Mapping[str, Any]
    heard: Heard | None
    """None: it has none"""


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What came of one call."""

    losses_s: dict[str, float] = field(default_factory=dict)
    """audio lost, by the name of the worker whose death it was: of each who died while it had a
    stream of the call, and of each by whose death something of an earlier one was lost"""
    sent: int = 0
    """samples"""
    unexplained: int = 0
    """samples lost without a death"""
    corrupt: int = 0
    reordered: int = 0
    duplicated: int = 0
    holes: int = 0
    untold: list[str] = field(default_factory=list)
    """holes that no gap tells"""


def judge(call: Call, recordings: Sequence[Recorded]) -> Verdict:
    """Compare each track with its channel of each recording."""
    verdict = Verdict()
    lost: dict[str, Counter[Track]] = defaultdict(Counter)
    for life in call.lives:
        if _concerns(call, life):
            lost[life.name] = Counter()
    for channel, track in enumerate(call.kind.tracks):
        sent = call.sent.get(track, [])
        there = _compare_track(verdict, call, recordings, channel, track)
        verdict.sent += sum(len(one.payload) for one in sent)
        for number, one in enumerate(sent):
            if number not in there and not _is_after_death(one):
                _attribute(verdict, call, one, track, lost)
    verdict.losses_s = {
        name: max(frames.values(), default=0) * _FRAME_S for name, frames in lost.items()
    }
    return verdict


def _compare_track(
    verdict: Verdict, call: Call, recordings: Sequence[Recorded], channel: int, track: Track
) -> set[int]:
    """Return the numbers of the frames that are there."""
    sent = call.sent.get(track, [])
    frames = [_DECODE[call.encoding](one.payload, 2) for one in sent]
    there: set[int] = set()
    for recorded in recordings:
        if recorded.heard is None:
            continue
        channels = recorded.heard.channels
        found = compare(frames, channels[channel] if channel < len(channels) else channels[0])
        if len(channels) < len(call.kind.tracks) and not found.places:
            continue  # its one channel is another track's: of this one nothing was known
        verdict.corrupt += found.corrupt
        verdict.reordered += found.reordered
        verdict.duplicated += found.duplicated + 160 * len(there & found.places.keys())
        there |= found.places.keys()
        _compare_gaps(verdict, call, recorded, track, found)
    return there


def _compare_gaps(
    verdict: Verdict, call: Call, recorded: Recorded, track: Track, found: Channel
) -> None:
    gaps = joined(
        [
            (gap["offset_ms"], gap["duration_ms"])
            for gap in recorded.shown["gaps"]
            if gap["track"] == track
        ]
    )
    for hole in holes(found.places, [one.index for one in call.sent.get(track, [])]):
        verdict.holes += 1
        if not hole.is_told(gaps):
            told = ", ".join(f"{at:.0f}+{long:.0f}" for at, long in gaps) or "none"
            verdict.untold.append(
                f"{call.call_id} {track} at {hole.at_ms:.0f} ms: {hole.wanted_ms:.0f} ms missing,"
                f" {hole.heard_ms:.0f} ms silent, gaps told: {told}"
            )


def _attribute(
    verdict: Verdict, call: Call, one: Sent, track: Track, lost: dict[str, Counter[Track]]
) -> None:
    """Count a lost frame for the first death after it among the call's workers."""
    deaths = [
        life for life in call.lives if life.killed_s is not None and life.killed_s >= one.at_s
    ]
    if not deaths:
        verdict.unexplained += len(one.payload)
        return
    lost[min(deaths, key=lambda life: life.killed_s or 0.0).name][track] += 1


def _concerns(call: Call, life: Life) -> bool:
    """Whether a worker died while it had a stream of the call."""
    times = [one.at_s for sent in call.sent.values() for one in sent if one.life is life]
    if life.killed_s is None or not times:
        return False
    return min(times) < life.killed_s < max(times) + _NEAR_S


def _is_after_death(one: Sent) -> bool:
    return one.life.killed_s is not None and one.at_s > one.life.killed_s
