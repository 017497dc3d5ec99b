"""A long call as segments in a folder, written as the sink writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from random import Random
from shutil import copyfile
from urllib.parse import quote

from chalicelib.capture.container import encode
from chalicelib.capture.container_index import Kind
from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.records import Record, StreamHead
from chalicelib.capture.runs import StreamCapture
from chalicelib.errors import NotFound
from chalicelib.recording import keys as naming
from chalicelib.recording.model import CallRef, Recording, RecordOptions, State, Stream
from simulator.speech import frames

CALL = CallRef(account="main", carrier="bandwidth", call_id="c-bench")
_OPENED_US = 1_700_000_000_000_000
_TRACKS = (Track.INBOUND, Track.OUTBOUND)
_JITTER_US = 12_000
_SPIKE_US = 45_000
_SPIKES = 0.002
"""of the messages: some ten pauses a minute and track, as a busy network shows"""


class FolderMediaStore:
    """The media bucket in a folder, so that it doesn't count as the process' memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, body: bytes) -> None:
        """Store an object."""
        (self._folder / quote(key, safe="")).write_bytes(body)

    def get(self, key: str) -> bytes:
        """Return a whole object. Raises NotFound."""
        try:
            return (self._folder / quote(key, safe="")).read_bytes()
        except FileNotFoundError as error:
            raise NotFound(key) from error

    def get_head(self, key: str, size: int) -> bytes:
        """Return its first bytes. Raises NotFound."""
        try:
            with (self._folder / quote(key, safe="")).open("rb") as stored:
                return stored.read(size)
        except FileNotFoundError as error:
            raise NotFound(key) from error

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """Yield keys in order."""
        names = sorted(path.name for path in self._folder.glob(f"{quote(prefix, safe='')}*"))
        keys = (name.replace("%2F", "/").replace("%25", "%") for name in names)
        return (key for key in keys if key > after)

    def delete(self, keys: list[str]) -> None:
        """Delete objects."""
        for key in keys:
            (self._folder / quote(key, safe="")).unlink(missing_ok=True)


class FolderRenditionStore:
    """The recordings bucket in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put_file(self, key: str, path: str, sha256: str, tags: Mapping[str, str]) -> None:
        """Store a file."""
        copyfile(path, self._folder / quote(key, safe=""))

    def put_text(self, key: str, text: str, tags: Mapping[str, str]) -> None:
        """Store a manifest."""
        (self._folder / quote(key, safe="")).write_text(text)

    def manifest(self) -> str:
        """Return the only manifest."""
        return next(self._folder.glob("*manifest.json")).read_text()

    def get_text(self, key: str) -> str:
        """Return a manifest."""
        return (self._folder / quote(key, safe="")).read_text()

    def size_of(self, key: str) -> int:
        """Return a size in bytes."""
        return (self._folder / quote(key, safe="")).stat().st_size

    def presign(self, key: str, expires_s: int, filename: str) -> str:
        """Return a file URL."""
        return (self._folder / quote(key, safe="")).as_uri()


class OneRow:
    """The tables, as far as assembling reads them: one recording, one stream."""

    def __init__(self, options: RecordOptions) -> None:
        self._options = options

    def get(self, recording_id: str) -> Recording:
        """Return the recording."""
        return Recording(
            recording_id=recording_id,
            call=CALL,
            control_id="c",
            state=State.FINALIZING,
            version=1,
            round=1,
            options=self._options,
            profile="bench",
            created_at=datetime.fromtimestamp(_OPENED_US / 1_000_000, UTC),
        )

    def streams(self, call_key: str) -> list[Stream]:
        """Return the stream."""
        return [_stream_row()]


def _stream_row() -> Stream:
    """Return the row of the call's only stream."""
    return Stream(
        call=CALL,
        stream_key="s1",
        carrier_stream_id="carrier-1",
        round=1,
        worker="w1",
        dialect="bandwidth",
        tracks=_TRACKS,
        encoding=Encoding.PCMU,
        rate_hz=8000,
        opened_at=datetime.fromtimestamp(_OPENED_US / 1_000_000, UTC),
        journal_from=0,
        complete=True,
    )


def write_call(folder: Path, minutes: int) -> int:
    """Store two speech-like tracks, cut once a second; return how many records they took."""
    media = FolderMediaStore(folder)
    head = StreamHead(
        stream_key="s1",
        call_key=CALL.key,
        carrier_stream_id="carrier-1",
        dialect="bandwidth",
        rate_hz=8000,
        opened_at_us=_OPENED_US,
    )
    capture = StreamCapture(head)
    random = Random(1)
    speech = {t: frames(60.0 * minutes, 1, t, Encoding.PCMU) for t in _TRACKS}
    count = 0
    for minute in range(minutes):
        records: list[Record] = []
        for second in range(60):
            records += _second(capture, speech, 60 * minute + second, random)
        body = encode([capture.head()], records, kind=Kind.SEGMENT, worker="w1", journal_through=0)
        media.put(naming.segment_key(CALL.key, "w1", minute), body)
        count += len(records)
    return count


def _second(
    capture: StreamCapture, speech: Mapping[Track, Iterator[bytes]], second: int, random: Random
) -> list[Record]:
    for track, payloads in speech.items():
        run = capture.track(track, Encoding.PCMU)
        for place, payload in enumerate(islice(payloads, 50), start=1):
            delay_us = _SPIKE_US if random.random() < _SPIKES else random.randrange(_JITTER_US)
            arrival_us = _OPENED_US + second * 1_000_000 + place * 20_000 + delay_us
            run.add(payload, arrival_us, second * 50 + place)
    return capture.cut()
