"""The memory of unfinished messages."""

from __future__ import annotations

from chalicelib.sink.ingest.unfinished import Unfinished


def test_there_is_room_for_so_much() -> None:
    """What doesn't fit is refused and counted; what is whole makes room."""
    room = Unfinished(100)

    assert room.take(60)
    assert not room.take(41)
    assert room.take(40)
    room.free(60)
    assert room.take(60)
    assert (100, 1) == (room.held_bytes, room.refused)
