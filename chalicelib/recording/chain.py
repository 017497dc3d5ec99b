"""The hash chain over the stored objects that a rendition was read from. A persisted format.

    h0 = SHA-256("tapedeck chain 1" · 00 · recording id)
    hn = SHA-256(h(n-1) · key · SHA-256 of the object)

in the order of the objects' first use: hashes as 32 bytes, texts as UTF-8. A key is between two
hashes, whose length never changes, so no two chains are made of the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

_VERSION = b"tapedeck chain 1\0"


class ChainLink(msgspec.Struct, frozen=True, kw_only=True):
    """A stored object in the chain."""

    key: str
    sha256: str
    """of the object; hex"""
    chain: str
    """the chain's value here; hex"""


def chained(recording_id: str, objects: Iterable[tuple[str, bytes]]) -> tuple[ChainLink, ...]:
    """Return the chain over objects: keys, and their SHA-256 as 32 bytes."""
    links = []
    value = hashlib.sha256(_VERSION + recording_id.encode()).digest()
    for key, sha256 in objects:
        value = hashlib.sha256(value + key.encode() + sha256).digest()
        links.append(ChainLink(key=key, sha256=sha256.hex(), chain=value.hex()))
    return tuple(links)


def head_of(links: tuple[ChainLink, ...]) -> str:
    """Return a chain's last value; empty where nothing stored was read."""
    return links[-1].chain if links else ""
