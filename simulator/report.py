"""What a simulated call sent, so that a test can compare."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from chalicelib.capture.events import Encoding, Track
from simulator.schedule import Send

_EXTENSIONS = {Encoding.PCMU: "ulaw", Encoding.PCMA: "alaw"}


@dataclass(slots=True, kw_only=True)
class SentTrack:
    """A track's payload, and where on the call's clock its runs lie."""

    payload: bytearray = field(default_factory=bytearray)
    runs: list[tuple[int, int]] = field(default_factory=list)
    """(position, samples): what was sent without a hole, in samples since the call began"""

    def add(self, sent: Send) -> None:
        """Note a payload that went out."""
        samples = len(sent.payload)
        self.payload += sent.payload
        if self.runs and sum(self.runs[-1]) == sent.position:
            self.runs[-1] = (self.runs[-1][0], self.runs[-1][1] + samples)
        else:
            self.runs.append((sent.position, samples))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a socket ended: by whom, and with which close code."""

    url: str
    by: str
    """carrier, sink or refused"""
    code: int
    """a websocket close code; an HTTP status where the handshake was refused; 0 for none"""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A webhook that was posted."""

    event: str
    status: int
    """HTTP; 0 for no answer"""


@dataclass(slots=True, kw_only=True)
class Report:
    """One simulated call."""

    call_id: str
    dialect: str
    encoding: Encoding
    started_at: datetime
    """position 0 on the wall clock"""
    ended_at: datetime | None = None
    tracks: dict[Track, SentTrack]
    sockets: list[Ended] = field(default_factory=list)
    hooks: list[Hook] = field(default_factory=list)

    @property
    def was_taken(self) -> bool:
        """Whether every socket lasted until the carrier ended it, and every hook got a 2xx."""
        return all(ended.by == "carrier" for ended in self.sockets) and all(
            200 <= hook.status < 300 for hook in self.hooks
        )


def write(report: Report, path: Path) -> None:
    """Write a report as JSON, and beside it each track's payload in a file of its own."""
    document = {
        "call_id": report.call_id,
        "dialect": report.dialect,
        "encoding": report.encoding,
        "started_at": report.started_at.isoformat(),
        "ended_at": report.ended_at.isoformat() if report.ended_at else None,
        "tracks": {
            track: _track(sent, track, report, path) for track, sent in report.tracks.items()
        },
        "sockets": [asdict(ended) for ended in report.sockets],
        "hooks": [asdict(hook) for hook in report.hooks],
    }
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _track(sent: SentTrack, track: Track, report: Report, path: Path) -> dict[str, object]:
    payload_file = path.with_suffix(f".{track}.{_EXTENSIONS[report.encoding]}")
    payload_file.write_bytes(sent.payload)
    return {
        "samples": len(sent.payload),
        "sha256": hashlib.sha256(sent.payload).hexdigest(),
        "payload_file": str(payload_file),
        "runs": sent.runs,
    }
