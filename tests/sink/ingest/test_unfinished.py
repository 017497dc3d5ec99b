"""The memory of unfinished messages."""

from __future__ import annotations

from chalicelib.sink.ingest.unfinished import READ_BUFFER_BYTES, Unfinished, cost


def test_there_is_room_for_so_much() -> None:
    """What doesn't fit is refused; a message that is whole makes room."""
    room = Unfinished(200)

    assert room.grow(0, 60)
    assert not room.grow(0, 41)
    assert room.grow(0, 40)
    room.free(60)
    assert room.grow(40, 100)
    assert 200 == room.held_bytes


def test_a_message_costs_its_read_buffer_too() -> None:
    """As much again, up to what the buffer grows by."""
    assert (20, 480_000 + READ_BUFFER_BYTES) == (cost(10), cost(480_000))
