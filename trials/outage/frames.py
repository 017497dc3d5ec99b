"""What is sent: 20 ms of payload that say whose, which track's and which they are."""

from __future__ import annotations

import hashlib
from functools import lru_cache

FRAME_BYTES = 160
_WHOSE, _WHICH = 3, 3
"""bytes that name the call, and the frame's tick; both fill whole groups of base64"""
TRACKS = ("inbound", "outbound")


@lru_cache(maxsize=200_000)
def tail(tick: int, track: str) -> bytes:
    """Return all of a frame but whose it is: the same for every call of that tick."""
    noise = hashlib.shake_128(f"{tick} {track}".encode())
    return tick.to_bytes(_WHICH) + noise.digest(FRAME_BYTES - _WHOSE - _WHICH)


def whose(call: int) -> bytes:
    """Return the beginning of a call's frames."""
    return call.to_bytes(_WHOSE)


def read(frame: bytes, track: str) -> tuple[int, int] | None:
    """Return a frame's call and tick; None: it isn't as it was sent."""
    tick = int.from_bytes(frame[_WHOSE : _WHOSE + _WHICH])
    if frame[_WHOSE:] != tail(tick, track):
        return None
    return int.from_bytes(frame[:_WHOSE]), tick
