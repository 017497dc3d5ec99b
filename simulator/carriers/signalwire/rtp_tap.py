"""SignalWire's tap to an `rtp://` address: packets of one direction, and `calling.call.tap`."""

from __future__ import annotations

from random import Random
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from chalicelib.capture.events import Encoding, Track
from simulator.carriers.signalwire.tap import tap_event
from simulator.rtp_packets import PRESS_FRAMES, Source
from simulator.schedule import Send
from simulator.socket import Setup, direction_of

PTIME_MS = 20


class RtpSocket:
    """A tap of one direction; its URL is what `rtp_endpoint` answered."""

    def __init__(self, setup: Setup, track: Track) -> None:
        self.tracks: tuple[Track, ...] = (track,)
        self.url = setup.stream_url
        self._setup = setup
        self._control_id = str(uuid4())
        self._source = Source(setup.encoding, Random())
        self._pressed = ""
        self._pressed_at = self._frames = 0

    def packets(self, sent: Send) -> list[bytes]:
        """Return the packets of a frame, and of what is pressed meanwhile: the sound goes on."""
        is_first = sent.number_in_stream == 1
        packets = [self._source.sound(sent.position, sent.payload, is_marked=is_first)]
        if self._pressed:
            if not self._frames:
                self._pressed_at = sent.position
            self._frames += 1
            packets += self._source.press(self._pressed, self._pressed_at, self._frames)
            if self._frames == PRESS_FRAMES:
                self._pressed = ""
        return packets

    def press(self, digit: str) -> None:
        """Send a digit beside the frames that follow."""
        self._pressed, self._frames = digit, 0

    def started(self) -> dict[str, Any]:
        """Return `tapping`."""
        return self._event("tapping")

    def stopped(self, seconds: float) -> dict[str, Any]:
        """Return `finished`."""
        return self._event("finished")

    def _event(self, state: str) -> dict[str, Any]:
        direction = direction_of(self.tracks[0])
        device = rtp_device(self.url, self._setup.encoding)
        return tap_event(self._setup, self._control_id, state, direction, device)


def rtp_event(setup: Setup, state: str) -> dict[str, Any]:
    """Return the status callback `tapping` or `finished` of a tap that a test sends by hand."""
    device = rtp_device(setup.stream_url, setup.encoding)
    return tap_event(setup, "rtp-tap", state, direction_of(setup.tracks[0]), device)


def rtp_device(uri: str, encoding: Encoding) -> dict[str, Any]:
    """Return a tap's device as its webhooks tell it."""
    address = urlsplit(uri)
    params = {
        "addr": address.hostname,
        "port": address.port,
        "codec": encoding,
        "ptime": PTIME_MS,
    }
    return {"type": "rtp", "params": params}
