"""Everything that assembling touches, in memory: rows, media, renditions, and their failures."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chalicelib.adapters.encoder import FileEncoder
from chalicelib.ports.aws import Encoder
from chalicelib.recording import keys
from chalicelib.recording.manifest import Manifest, parse_manifest
from chalicelib.recording.model import Recording, RecordOptions, State, Stream
from chalicelib.recording.outbox import RecordingEvent
from chalicelib.services.finalization.assemble import Assembled, assemble
from tests.captured import CALL, Tape
from tests.fakes import FakeCore, Faults
from tests.fakes_media import FakeMediaStore, FakeRenditionStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STEREO = RecordOptions(stereo=True)
RECORDING = Recording(
    recording_id="r-1",
    call=CALL,
    control_id="c",
    state=State.FINALIZING,
    version=1,
    round=1,
    options=STEREO,
    profile="p",
    created_at=NOW,
)
MANIFEST_KEY = "recordings/main/r-1/manifest.json"


@dataclass
class World:
    """Everything that assembling touches."""

    media: FakeMediaStore = field(default_factory=FakeMediaStore)
    renditions: FakeRenditionStore = field(default_factory=FakeRenditionStore)
    core: FakeCore = field(default_factory=FakeCore)
    faults: Faults = field(default_factory=Faults)
    encoder: Encoder = field(default_factory=FileEncoder)

    def tape(self, **facts: Any) -> Tape:
        """Return a stream's tape into this world's media."""
        return Tape(media=self.media, **facts)

    def record(self, streams: Sequence[Stream], recording: Recording = RECORDING) -> None:
        """Write the rows."""
        event = RecordingEvent(recording_id="r-1", at=NOW, event="created")
        self.core.recordings.create(recording, event, None)
        for stream in streams:
            self.core.store.streams[CALL.key, stream.stream_key] = stream

    def assemble(self) -> Assembled:
        """Run it with every port counted."""
        return assemble(
            "r-1",
            1,
            recordings=self.faults.wrap(self.core.recordings),
            calls=self.faults.wrap(self.core.calls),
            media=self.faults.wrap(self.media),
            renditions=self.faults.wrap(self.renditions),
            encoder=self.encoder,
            now=lambda: NOW,
        )

    def file(self, extension: str = "wav") -> bytes:
        """Return the stored rendition."""
        return self.renditions.objects[keys.rendition_key("main", "r-1", extension)]

    def pcm(self) -> bytes:
        """Return the samples of the stored WAV."""
        with wave.open(io.BytesIO(self.file())) as opened:
            return opened.readframes(opened.getnframes())

    def manifest(self) -> Manifest:
        """Return the stored manifest."""
        return parse_manifest(self.renditions.get_text(MANIFEST_KEY))
