"""A short call's segments, each read from the store once."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from chalicelib.media.codecs import bytes_per_sample
from chalicelib.ports.aws import MediaStore
from chalicelib.recording.model import Stream

MOST_SEGMENTS = 8
"""13 MB of two tracks at 8 kHz; for a longer call the index is read alone, and media in its turn"""
G711_BYTES_PER_S = 8_000
"""of one track"""


def is_small(segments: int, streams: Iterable[Stream]) -> bool:
    """Whether a call's media may be read ahead: L16 counts by how much larger than G.711 it is."""
    sizes = [stream.rate_hz * bytes_per_sample(stream.encoding) for stream in streams]
    return segments * max(sizes, default=0) <= MOST_SEGMENTS * G711_BYTES_PER_S


class ReadAheadStore:
    """A MediaStore that reads some objects whole when only their beginning is requested.

    It keeps each until the whole object is requested.
    """

    def __init__(self, media: MediaStore, keys: Collection[str]) -> None:
        self.put, self.keys, self.delete = media.put, media.keys, media.delete
        self._media = media
        self._kept_keys = frozenset(keys)
        self._bodies: dict[str, bytes] = {}

    def get(self, key: str) -> bytes:
        """Return a whole object."""
        body = self._bodies.pop(key, None)
        return self._media.get(key) if body is None else body

    def get_head(self, key: str, size: int) -> bytes:
        """Return an object's first bytes."""
        if key not in self._kept_keys:
            return self._media.get_head(key, size)
        body = self._bodies[key] = self.get(key)
        return body[:size]
