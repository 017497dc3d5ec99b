"""A carrier that recorded calls itself: its events, and the files that it holds, in memory."""

from __future__ import annotations

import hashlib
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.carriers.contract.webhook import CarrierRecording, EventFacts
from chalicelib.errors import NotFound
from chalicelib.media import wav
from chalicelib.media.sound_file import SoundFile
from chalicelib.ports.values import DownloadedFile
from tests.samples import later

URL = "https://voice.bandwidth.com/api/v2/accounts/9/calls/c-1/recordings/r-1/media"
AUDIO = wav.header(rate_hz=8000, channels=2, samples=8000) + bytes(range(250)) * 128


@dataclass
class FakeDownloads:
    """The port Downloads: what lies at each URL, and who asked with what."""

    held: dict[str, bytes | Exception] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    open: int = 0
    """files that last"""

    @contextmanager
    def get(self, url: str, authorization: str) -> Iterator[DownloadedFile]:
        """Yield what lies there."""
        self.asked.append((url, authorization))
        found = self.held.get(url, NotFound("HTTP 404"))
        if isinstance(found, Exception):
            raise found
        sound = SoundFile()
        sound.feed(found)
        with tempfile.NamedTemporaryFile() as file:
            file.write(found)
            file.flush()
            self.open += 1
            try:
                yield DownloadedFile(
                    path=file.name,
                    size=len(found),
                    sha256=hashlib.sha256(found).hexdigest(),
                    sound=sound.facts(),
                )
            finally:
                self.open -= 1


def a_wav(duration_s: int) -> bytes:
    """Return a file of ten bytes a second: long ones stay small."""
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 0, b"WAVE", b"fmt ", 16, 7, 1, 8000, 10, 1, 8)
    return head + struct.pack("<4sI", b"data", 10 * duration_s) + bytes(10 * duration_s)


def an_available(key: str = "available", **changes: Any) -> CarrierRecording:
    """Return the event that says that a file of the call can be fetched."""
    event = CarrierRecording(
        facts=EventFacts(
            carrier="bandwidth",
            event_type="recordingAvailable",
            event_time=later(60),
            dedupe_key=key,
            body="{}",
            call_id="c-1",
            carrier_call_id="c-1",
            node_id="node-7",
            labels={"tag": "vip"},
        ),
        status="complete",
        is_available=True,
        carrier_recording_id="r-1",
        url=URL,
        format="wav",
        channels=2,
        duration_s=1.0,
        size=len(AUDIO),
        started_at=later(59),
        ended_at=later(60),
    )
    return replace(event, **changes)
