"""A plan to pcm, a window at a time: memory doesn't grow with the call."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import replace
from functools import reduce

from chalicelib.capture.container import read_payload
from chalicelib.capture.events import Track
from chalicelib.errors import CorruptContainer, NotFound, Unavailable
from chalicelib.media import codecs
from chalicelib.media.pcm import WIDTH, Sound, interleave, mix, mix_over_begin, silence
from chalicelib.media.tones import beep
from chalicelib.ports.aws import MediaStore
from chalicelib.recording.model import Gap
from chalicelib.recording.rendition_plan import Channel, Lane, Piece, RenditionPlan

WINDOW_S = 2
CORRUPT = "corrupt"
"""a gap's reason: stored bytes failed their checksum"""

_READ_AHEAD = 2
_KEPT = 6
"""objects in memory: 1 MB for a segment of G.711, 8 MiB at most for one of the journal"""


def sound_of(plan: RenditionPlan) -> Sound:
    """Return what kind of pcm a plan gives, and how much."""
    return Sound(rate_hz=plan.rate_hz, channels=len(plan.channels), samples=plan.samples)


class Rendering:
    """One pass over a plan."""

    def __init__(self, plan: RenditionPlan, media: MediaStore, executor: Executor) -> None:
        self._plan = plan
        self._objects = _Objects(plan.object_keys, media, executor)
        self._corrupt: dict[Track, list[Gap]] = {}

    @property
    def corrupt(self) -> list[Gap]:
        """Return what was broken in what was read so far."""
        return [gap for gaps in self._corrupt.values() for gap in gaps]

    def read_objects(self) -> list[tuple[str, bytes]]:
        """Return the plan's objects with their SHA-256, as they were when they were read. Raises
        Unavailable."""
        return self._objects.digests()

    def pcm(self) -> Iterator[bytes]:
        """Yield the rendition's pcm in order. Raises Unavailable, also where an object vanished."""
        channels = [self._lanes(channel) for channel in self._plan.channels]
        window = WINDOW_S * self._plan.rate_hz
        for start in range(0, self._plan.samples, window):
            samples = min(window, self._plan.samples - start)
            pcm = _joined([_sum(lanes, samples) for lanes in channels])
            yield self._with_beep(pcm) if start == 0 and self._plan.has_beep else pcm

    def _with_beep(self, pcm: bytes) -> bytes:
        sound = beep(self._plan.rate_hz)
        return mix_over_begin(pcm, _joined([sound] * len(self._plan.channels)))

    def _lanes(self, channel: Channel) -> list[_LaneReader]:
        return [_LaneReader(lane, self) for lane in channel.lanes]

    def piece(self, lane: Lane, piece: Piece) -> bytes:
        """Return a piece's pcm; a broken payload is silence, and noted."""
        try:
            payload = read_payload(self._objects.body(piece.stored.object_key), piece.stored)
        except CorruptContainer:
            payload = b""  # as it is where another recording was erased since
        if not payload:
            self._note(lane, piece)
            return silence(piece.samples)
        pcm = codecs.decode(payload, piece.encoding)
        wanted = pcm[WIDTH * piece.skip : WIDTH * (piece.skip + piece.samples)]
        return wanted.ljust(WIDTH * piece.samples, b"\0")

    def _note(self, lane: Lane, piece: Piece) -> None:
        per_ms = self._plan.rate_hz / 1000
        begin, duration = piece.position / per_ms, piece.samples / per_ms
        before = self._corrupt.setdefault(lane.track, [])
        if before and before[-1].offset_ms + before[-1].duration_ms == begin:
            longer = before[-1].duration_ms + duration
            before[-1] = replace(before[-1], duration_ms=longer)
            return
        gap = Gap(track=lane.track, offset_ms=begin, duration_ms=duration, reason=CORRUPT)
        before.append(gap)


class _LaneReader:
    """A track's pcm in order, silence where no piece lies."""

    def __init__(self, lane: Lane, rendering: Rendering) -> None:
        self._lane = lane
        self._rendering = rendering
        self._pieces = iter(lane.pieces)
        self._position = 0
        self._advance()

    def _advance(self) -> None:
        self._piece = next(self._pieces, None)
        self._pcm: bytes | None = None

    def read(self, samples: int) -> bytes:
        """Return the next samples."""
        begin, end = self._position, self._position + samples
        window = bytearray(silence(samples))
        while self._piece is not None and self._piece.position < end:
            piece_end = self._piece.position + self._piece.samples
            first, last = max(begin, self._piece.position), min(end, piece_end)
            window[WIDTH * (first - begin) : WIDTH * (last - begin)] = self._part(first, last)
            if piece_end > end:
                break
            self._advance()
        self._position = end
        return bytes(window)

    def _part(self, first: int, last: int) -> bytes:
        assert self._piece is not None
        if self._pcm is None:
            self._pcm = self._rendering.piece(self._lane, self._piece)
        start = self._piece.position
        return self._pcm[WIDTH * (first - start) : WIDTH * (last - start)]


class _Objects:
    """Whole objects: the next ones are read ahead, the last used ones kept."""

    def __init__(self, keys: Sequence[str], media: MediaStore, executor: Executor) -> None:
        self._keys = keys
        self._place_of = {key: place for place, key in enumerate(keys)}
        self._media = media
        self._executor = executor
        self._bodies: OrderedDict[str, Future[bytes]] = OrderedDict()
        self._digests: dict[str, bytes] = {}

    def body(self, key: str) -> bytes:
        """Return an object. Raises Unavailable."""
        place = self._place_of[key]
        for wanted in self._keys[place : place + 1 + _READ_AHEAD]:
            if wanted not in self._bodies:
                self._bodies[wanted] = self._executor.submit(self._read, wanted)
        self._bodies.move_to_end(key)
        while len(self._bodies) > _KEPT:
            self._bodies.popitem(last=False)
        try:
            return self._bodies[key].result()
        except NotFound as error:
            raise Unavailable(f"{key} vanished meanwhile; its media lies elsewhere now") from error

    def digests(self) -> list[tuple[str, bytes]]:
        """Return all keys in order, each with its object's SHA-256. Raises Unavailable."""
        for key in self._keys:
            if key not in self._digests:
                self.body(key)
        return [(key, self._digests[key]) for key in self._keys]

    def _read(self, key: str) -> bytes:
        # What is decoded is what is hashed, on the thread that waits for the store anyway.
        body = self._media.get(key)
        digest = hashlib.sha256(body).digest()
        if self._digests.setdefault(key, digest) != digest:
            raise Unavailable(f"{key} was read twice and differs")
        return body


def _sum(lanes: Sequence[_LaneReader], samples: int) -> bytes:
    return reduce(mix, [lane.read(samples) for lane in lanes] or [silence(samples)])


def _joined(channels: Sequence[bytes]) -> bytes:
    return channels[0] if len(channels) == 1 else interleave(*channels)
