"""Large frames reach the frame parser as parts of their message."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.sink.ingest.frame_splitter import PART_BYTES, FrameSplitter
from tests.sink.raw import BINARY, CONTINUATION, PING, TEXT, websocket_frame

LARGEST = 512 * 1024


def fed(sent: bytes, sizes: random.Random | None = None) -> bytes:
    """Return what the parser reads of bytes that come in pieces."""
    splitter = FrameSplitter(LARGEST)
    out, at = b"", 0
    while at < len(sent):
        size = sizes.choice((1, 2, 13, 4096, 65536)) if sizes else len(sent)
        out += splitter.feed(memoryview(sent[at : at + size]))
        at += size
    return out


SMALL = [
    websocket_frame(TEXT, b"a" * 20),
    websocket_frame(BINARY, b""),
    websocket_frame(BINARY, bytes(300), fin=False),
    websocket_frame(CONTINUATION, bytes(PART_BYTES)),
    websocket_frame(PING, b"x"),
    websocket_frame(TEXT, b"reserved", reserved=4),
    websocket_frame(TEXT, b"unmasked", mask=False),
]


@given(seed=st.integers(0, 1000))
def test_usual_frames_pass_as_they_are(seed: int) -> None:
    """However they come."""
    sent = b"".join(SMALL)

    assert sent == fed(sent, random.Random(seed))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [PART_BYTES + 1, 65_535, 65_536, 480_000])
def test_a_large_frame_is_parts(size: int, seed: int) -> None:
    """The first has its opcode, the others continue it, the last ends it; frames go on after it."""
    body = random.Random(size).randbytes(size)
    pieces = [body[at : at + PART_BYTES] for at in range(0, size, PART_BYTES)]
    parts = [
        websocket_frame(BINARY if place == 0 else CONTINUATION, piece, fin=place == len(pieces) - 1)
        for place, piece in enumerate(pieces)
    ]
    sent = websocket_frame(BINARY, body) + SMALL[0]

    assert b"".join(parts) + SMALL[0] == fed(sent, random.Random(seed))


def test_a_part_of_a_message_may_be_large() -> None:
    """A frame that ends no message leaves its last part open."""
    out = fed(websocket_frame(TEXT, bytes(PART_BYTES + 8), fin=False))

    assert (
        websocket_frame(TEXT, bytes(PART_BYTES), fin=False)
        + websocket_frame(CONTINUATION, bytes(8), fin=False)
    ) == out


def test_each_part_has_the_mask_of_the_whole() -> None:
    """A part begins where the mask does."""
    mask = b"\x01\x02\x03\x04"
    frame = websocket_frame(BINARY, bytes(40_000))
    masked = frame[: -40_000 - 4] + mask + bytes(40_000)

    out = fed(masked)

    assert mask == out[4:8]
    assert mask == out[4 + 4 + PART_BYTES + 4 :][:4]


def test_a_frame_without_a_mask_is_split_without_one() -> None:
    """The parser refuses it then."""
    body = bytes(PART_BYTES + 1)
    expected = websocket_frame(BINARY, body[:-1], fin=False, mask=False)
    expected += websocket_frame(CONTINUATION, body[-1:], mask=False)

    assert expected == fed(websocket_frame(BINARY, body, mask=False))


def test_what_is_larger_than_may_be_is_left_to_the_parser() -> None:
    """It refuses a frame by what its header announces."""
    sent = websocket_frame(BINARY, bytes(LARGEST + 1))

    assert sent == fed(sent)
