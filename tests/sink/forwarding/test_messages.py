"""The messages between workers, however their bytes are split."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.capture.events import DigitPressed, Encoding, StreamStarted, Track
from chalicelib.errors import WireError
from chalicelib.recording.model import Ending
from chalicelib.sink.forwarding import messages as wire
from chalicelib.sink.ingest.live_stream import Opening

SAID: list[wire.Message] = [
    wire.Hello("w-2", "token"),
    wire.Welcome(),
    wire.KeepAlive(),
    wire.StreamOpened(
        number=0,
        opening=Opening(
            account="main",
            profile="support",
            carrier="bandwidth",
            dialect="bandwidth",
            stream_key="w-2-1",
        ),
        opened_us=1_700_000_000_000_000,
        can_play=True,
        started=StreamStarted(
            call_id="c-1",
            carrier_stream_id="s-1",
            tracks=(Track.INBOUND, Track.OUTBOUND),
            encoding=Encoding.PCMA,
            labels={"agent": "smith"},
        ),
    ),
    wire.MediaReceived(0, Track.INBOUND, bytes(range(160)), 1_700_000_000_020_000, 2**63 - 1),
    wire.MediaReceived(0, Track.MIXED, b"", 1_700_000_000_020_000, None),
    wire.StreamEnded(0, Ending.BROKEN, 1_700_000_000_040_000, 3),
    wire.StreamEnded(0, Ending.BROKEN, 1_700_000_000_040_000, 3, "stream_too_long"),
    wire.KeepMedia(0, is_kept=False),
    wire.StreamStored(0),
    wire.StreamRefused(0, "wrong_dialect"),
    wire.StreamReleased(0, is_over=True),
    wire.DigitReceived(0, DigitPressed(digit="#"), 1_700_000_000_020_000),
    wire.PlaySound(0, bytes(320)),
]
WHOLE = b"".join(map(wire.frame, SAID))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, len(WHOLE)])
def test_messages_come_out_as_they_went_in(size: int) -> None:
    """Cut anywhere, each message is there once, in order."""

    frames = wire.Frames()
    found: list[wire.Message] = []
    for at in range(0, len(WHOLE), size):
        found += frames.receive(WHOLE[at : at + size])
    assert SAID == found


class EndedBefore(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=5):
    """As workers of before December 2026 know it."""

    number: int
    ending: Ending
    ended_us: int
    refused: int


def test_workers_of_two_versions_understand_each_other() -> None:
    """One that knows no reason leaves it out, and reads what says one."""
    told = wire.StreamEnded(0, Ending.BROKEN, 7, 3, "stream_too_long")

    assert EndedBefore(0, Ending.BROKEN, 7, 3) == msgspec.msgpack.decode(
        wire.frame(told)[4:], type=EndedBefore
    )
    packed = msgspec.msgpack.encode(EndedBefore(0, Ending.BROKEN, 7, 3))
    assert [wire.StreamEnded(0, Ending.BROKEN, 7, 3)] == list(
        wire.Frames().receive(len(packed).to_bytes(4) + packed)
    )


@given(st.binary(max_size=400))
def test_any_bytes_are_messages_or_refused(received: bytes) -> None:
    """Nothing but WireError comes of what no worker says."""

    frames = wire.Frames()
    with contextlib.suppress(WireError):
        for message in frames.receive(received):
            assert isinstance(message, wire.Message)


def test_a_message_beyond_the_bound_is_refused_by_its_length() -> None:
    """Its bytes aren't awaited."""

    with pytest.raises(WireError) as caught:
        list(wire.Frames().receive((wire.LARGEST + 1).to_bytes(4)))
    assert "too_big" == caught.value.code
