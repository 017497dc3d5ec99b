"""What is durable after a stop, against what had been sent when the stop was asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chalicelib.capture import container
from chalicelib.capture.records import Record
from trials.stop.frames import FRAME, TRACKS, Sent, payload

Media = Mapping[tuple[str, str], Sequence[bytes]]
"""frames in their order, by call key and track"""


@dataclass(slots=True)
class Verdict:
    """Samples."""

    sent: int = 0
    """before SIGTERM"""
    lost: int = 0
    """of those"""
    afterwards: int = 0
    """sent after it, and durable all the same"""
    corrupt: int = 0
    """durable, and nowhere sent so, or not in its place"""


def read(folder: Path) -> Media:
    """Read all segments that are stored in a folder."""
    found: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for path in sorted(folder.rglob("segments/**/*")):
        if path.is_file():
            stored = container.decode(path.read_bytes(), str(path))
            keys = {head.stream_key: head.call_key for head in stored.heads}
            for record in stored.records:
                found[keys[record.stream_key], record.track].append(record)
    return {place: _frames(records) for place, records in found.items()}


def judge(sent: Iterable[Sent], stored: Media) -> Verdict:
    """Compare, frame for frame."""
    verdict = Verdict()
    for line in sent:
        frames = stored.get((line.call_key, TRACKS[line.track]), [])
        whole = [payload(line.call, line.track, line.first + n) for n in range(line.in_all)]
        right = sum(is_ == was for is_, was in zip(frames, whole, strict=False))
        there = set(frames) & set(whole)
        kept = sum(frame in there for frame in whole[: line.at_stop])
        verdict.sent += line.at_stop * FRAME
        verdict.lost += (line.at_stop - kept) * FRAME
        verdict.afterwards += (len(there) - kept) * FRAME
        verdict.corrupt += (len(frames) - right) * FRAME
    return verdict


def missing(sent: Iterable[Sent], stored: Media) -> list[str]:
    """Say of each track that isn't whole which frames are missing."""
    told = []
    for line in sent:
        frames = set(stored.get((line.call_key, TRACKS[line.track]), []))
        gone = [
            number
            for number in range(line.at_stop)
            if payload(line.call, line.track, line.first + number) not in frames
        ]
        if gone:
            place = f"{line.call_key} {TRACKS[line.track]}"
            told.append(f"{place}: {len(gone)} of {line.at_stop}, from {gone[0]} to {gone[-1]}")
    return told


def _frames(records: Sequence[Record]) -> list[bytes]:
    by_place = {
        (one.stream_key, one.source, one.first_sample): one.payload
        for one in sorted(records, key=lambda one: len(one.payload))
    }
    whole = b"".join(by_place[place] for place in sorted(by_place))
    return [whole[at : at + FRAME] for at in range(0, len(whole), FRAME)]
