"""An RTP sender that a test leads by hand: frames of 20 ms, key presses instead of some, silence.

The player plays that of `carriers/signalwire/rtp_tap.py`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from random import Random
from urllib.parse import urlsplit

from chalicelib.capture.events import Encoding
from simulator.rtp_packets import PRESS_FRAMES, Source
from simulator.socket import DIRECTIONS, Setup
from simulator.speech import FRAME_SAMPLES

FRAME_S = 0.02


class RtpTap:
    """One sender of one call's one direction."""

    def __init__(
        self,
        *,
        uri: str,
        call_id: str,
        encoding: Encoding = Encoding.PCMU,
        direction: str = "speak",
        seed: int = 1,
    ) -> None:
        self.setup = Setup(
            stream_url=uri, call_id=call_id, tracks=(DIRECTIONS[direction],), encoding=encoding
        )
        self._direction = direction
        self._source = Source(encoding, Random(seed))
        self._position = 0
        self._is_talkspurt = True

    def begun_anew(self, seed: int) -> RtpTap:
        """Return the same sender with other numbers."""
        setup = self.setup
        return RtpTap(
            uri=setup.stream_url,
            call_id=setup.call_id,
            encoding=setup.encoding,
            direction=self._direction,
            seed=seed,
        )

    def sound(self, payload: bytes) -> bytes:
        """Return the next frame's packet."""
        packet = self._source.sound(self._position, payload, is_marked=self._is_talkspurt)
        self._is_talkspurt = False
        self._position += len(payload)
        return packet

    def silence(self, samples: int = FRAME_SAMPLES) -> None:
        """Let time pass in which nothing is sent."""
        self._position += samples
        self._is_talkspurt = True

    def press(self, digit: str) -> Iterator[list[bytes]]:
        """Yield what is sent in each frame while a key is down, nothing else."""
        for frame in range(1, PRESS_FRAMES + 1):
            yield self._source.press(digit, self._position, frame)
        self.silence(PRESS_FRAMES * FRAME_SAMPLES)


@contextmanager
def socket_to(uri: str) -> Iterator[socket.socket]:
    """Open a socket that sends to `rtp://IP:port`; a port is locked to the first that does."""
    address = urlsplit(uri)
    assert address.hostname is not None
    assert address.port is not None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect((address.hostname, address.port))
        yield sender


async def send(
    tap: RtpTap, sender: socket.socket, frames: Iterable[bytes], presses: Mapping[int, str]
) -> None:
    """Send frames in real time; before the n-th, a key is pressed. Return when all is sent."""
    loop = asyncio.get_running_loop()
    due_s = loop.time()
    for datagrams in _frames(tap, frames, presses):
        await asyncio.sleep(max(0.0, due_s - loop.time()))
        for datagram in datagrams:
            sender.send(datagram)
        due_s += FRAME_S


def _frames(
    tap: RtpTap, frames: Iterable[bytes], presses: Mapping[int, str]
) -> Iterator[list[bytes]]:
    for number, payload in enumerate(frames):
        if number in presses:
            yield from tap.press(presses[number])
        yield [tap.sound(payload)]
