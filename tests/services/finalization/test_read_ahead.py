"""Segments that are read from the store once."""

from __future__ import annotations

from chalicelib.services.finalization.read_ahead import ReadAheadStore
from tests.fakes_media import FakeMediaStore


def test_a_kept_object_is_read_once() -> None:
    """Its beginning brings all of it; then it is given away, and read again if asked for."""

    store = FakeMediaStore(objects={"a": b"media"})
    kept = ReadAheadStore(store, ["a"])

    assert b"me" == kept.get_head("a", 2)
    assert b"media" == kept.get("a")
    assert ["a"] == store.reads
    assert b"media" == kept.get("a")
    assert ["a", "a"] == store.reads


def test_others_are_read_as_they_are() -> None:
    """What was listed because something was redacted may be large."""

    store = FakeMediaStore(objects={"b": b"media"})
    kept = ReadAheadStore(store, ["a"])

    assert (b"me", b"media") == (kept.get_head("b", 2), kept.get("b"))
    assert ["b", "b"] == store.reads
