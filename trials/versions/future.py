"""Puts words of the future into what a fixture holds, as newer code would have written them.

To this version a call of such words is another one's; without them it is the call that it was. So
the same fixture shows that what isn't known is left alone, and that the code which knows it
finishes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.capture.resealed import (
    ENCODING,
    ENTRIES,
    HEADS,
    STREAM,
    place_in_head,
    resealed,
)
from trials.versions.cloud import Cloud, Item
from trials.versions.fixture import Fixture

ENCODED, SPOKEN = "live", "by-rtp"
"""calls: one in another encoding, one in another dialect"""


@dataclass(frozen=True, kw_only=True)
class FutureWords:
    """What a cloud holds of a fixture, with words of the future."""

    fixture: Fixture
    cloud: Cloud

    def put(self) -> None:
        """Write the words into rows and objects."""
        for item in self._streams():
            self.cloud.put("core", _renamed(item))
        for key, body in self.fixture.objects("media"):
            if (written := _rewritten(body)) != body:
                self.cloud.store("media", key, written)

    def take_away(self) -> None:
        """Write back what was there."""
        for item in self._streams():
            self.cloud.put("core", item)
        for key, body in self.fixture.objects("media"):
            if _rewritten(body) != body:
                self.cloud.store("media", key, body)

    def rows(self) -> list[Item]:
        """Return the rows of those calls that a sweep may change: calls, streams, recordings."""
        return [
            item
            for item in self.cloud.items("core")
            if item["sk"]["S"] in ("CALL", "RECORD") or item["sk"]["S"].startswith("STREAM#")
            if any(name in _names(item) for name in (ENCODED, SPOKEN))
        ]

    def objects(self) -> list[str]:
        """Return the keys of the objects that hold those calls' media."""
        there = dict(self.cloud.objects("media"))
        concerned = [key for key, body in self.fixture.objects("media") if _rewritten(body) != body]
        return [key for key in concerned if key in there]

    def _streams(self) -> list[Item]:
        return [item for item in self.fixture.rows("core") if _renamed(item) != item]


def _names(item: Item) -> tuple[str, str]:
    """Return the call ids that a row's key and its call say."""
    ref = item.get("call", item.get("ref", {})).get("M", {})
    return item["pk"]["S"].rpartition("/")[2], ref.get("call_id", {}).get("S", "")


def _renamed(item: Item) -> Item:
    """Return a stream's row as newer code would write it."""
    if not item["sk"]["S"].startswith("STREAM#"):
        return item
    call_id = item["pk"]["S"].rpartition("/")[2]
    if call_id == ENCODED:
        return {**item, "encoding": {"S": "OPUS"}}
    return {**item, "dialect": {"S": "future"}} if call_id == SPOKEN else item


def _rewritten(body: bytes) -> bytes:
    """Return a container as newer code would write it."""
    return resealed(body, _change)


def _change(index: list[Any]) -> None:
    call_key, dialect = place_in_head("call_key"), place_in_head("dialect")
    for head in index[HEADS]:
        if head[call_key].endswith(f"/{SPOKEN}"):
            head[dialect] = "future"
    for entry in index[ENTRIES]:
        if index[HEADS][entry[STREAM]][call_key].endswith(f"/{ENCODED}"):
            entry[ENCODING] = "OPUS"
