"""Segments that are read from the store once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.capture.events import Encoding
from chalicelib.services.finalization.read_ahead import ReadAheadStore, is_small
from tests.captured import Tape
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


@pytest.mark.parametrize(
    ("encoding", "rate_hz", "most"),
    [(Encoding.PCMU, 8_000, 8), (Encoding.L16, 16_000, 2), (Encoding.L16, 48_000, 0)],
)
def test_fewer_segments_of_a_higher_rate_are_read_ahead(
    encoding: Encoding, rate_hz: int, most: int
) -> None:
    """As much memory is taken as by eight segments of G.711."""

    stream = replace(Tape(media=FakeMediaStore()).row(), encoding=encoding, rate_hz=rate_hz)

    assert (True, False) == (is_small(most, [stream]), is_small(most + 1, [stream]))
