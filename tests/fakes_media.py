"""Stand-ins for the two buckets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from chalicelib.errors import Conflict, NotFound, PreconditionFailed


@dataclass
class FakeMediaStore:
    """The media bucket in memory; counts its reads, and the prefixes that were listed."""

    objects: dict[str, bytes] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)

    def put(self, key: str, body: bytes) -> None:
        """Store an object that doesn't exist yet; an equal one is success."""
        if self.objects.setdefault(key, bytes(body)) != body:
            raise PreconditionFailed(key)

    def get(self, key: str) -> bytes:
        """Return a whole object."""
        self.reads.append(key)
        if key not in self.objects:
            raise NotFound(key)
        return self.objects[key]

    def get_head(self, key: str, size: int) -> bytes:
        """Return its first bytes."""
        return self.get(key)[:size]

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """Yield keys in order."""
        self.listed.append(prefix)
        yield from sorted(key for key in self.objects if key.startswith(prefix) and key > after)

    def delete(self, keys: list[str]) -> None:
        """Delete objects."""
        for key in keys:
            self.objects.pop(key, None)


@dataclass
class FakeRenditionStore:
    """The recordings bucket in memory; counts its writes."""

    objects: dict[str, bytes] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)
    tags: dict[str, Mapping[str, str]] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)

    def put_file(self, key: str, path: str, sha256: str, tags: Mapping[str, str]) -> None:
        """Store a file; an equal object is success."""
        if self.checksums.get(key) == sha256:
            return
        self.objects[key] = Path(path).read_bytes()
        self.checksums[key] = sha256
        self.tags[key] = tags
        self.writes.append(key)

    def put_text(self, key: str, text: str, tags: Mapping[str, str]) -> None:
        """Store a manifest."""
        if self.objects.get(key) == text.encode():
            return
        self.objects[key] = text.encode()
        self.tags[key] = tags
        self.writes.append(key)

    def get_text(self, key: str) -> str:
        """Return a manifest."""
        if key not in self.objects:
            raise NotFound(key)
        return self.objects[key].decode()

    def size_of(self, key: str) -> int:
        """Return an object's size."""
        if key not in self.objects:
            raise NotFound(key)
        return len(self.objects[key])

    def presign(self, key: str, expires_s: int, filename: str) -> str:
        """Return something like a URL."""
        return f"https://recordings.example/{key}?X-Amz-Expires={min(expires_s, 300)}&as={filename}"


@dataclass
class FakeRenditionVersions:
    """The port RenditionVersions over a bucket in memory, which has one version of each object."""

    store: FakeRenditionStore = field(default_factory=FakeRenditionStore)
    locked: dict[str, datetime] = field(default_factory=dict)
    """until when a key is kept"""

    def is_locked(self, prefix: str, at: datetime) -> bool:
        """Whether a key under the prefix is kept."""
        return any(key.startswith(prefix) and until > at for key, until in self.locked.items())

    def erase(self, prefix: str) -> int:
        """Delete all under the prefix that isn't kept. Raises Conflict where something is."""
        found = [key for key in self.store.objects if key.startswith(prefix)]
        gone = [key for key in found if key not in self.locked]
        for key in gone:
            del self.store.objects[key]
            self.store.checksums.pop(key, None)
            self.store.tags.pop(key, None)
        if len(gone) < len(found):
            raise Conflict(f"{len(found) - len(gone)} are kept", code="locked")
        return len(gone)
