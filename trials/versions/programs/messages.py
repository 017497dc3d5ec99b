"""Tells one message of each kind that workers send each other, as hex, by the code of the tree that
it runs in."""

from __future__ import annotations

import json
import sys

from chalicelib.capture.events import DigitPressed, Encoding, StreamStarted, Track
from chalicelib.recording.model import Ending
from chalicelib.sink.forwarding import messages as wire
from chalicelib.sink.ingest.live_stream import Opening

AT_US = 1_790_000_000_000_000

OPENING = Opening(
    account="main",
    profile="front",
    carrier="bandwidth",
    dialect="bandwidth",
    stream_key="stream-1",
    tells_digits=True,
)
STARTED = StreamStarted(
    call_id="c-1",
    carrier_stream_id="s-1",
    tracks=(Track.INBOUND, Track.OUTBOUND),
    encoding=Encoding.PCMA,
    rate_hz=8000,
    labels={"case": "4711"},
)
MESSAGES = {
    "hello": wire.Hello("worker-2", "token"),
    "welcome": wire.Welcome(),
    "alive": wire.KeepAlive(),
    "opened": wire.StreamOpened(1, OPENING, AT_US, True, STARTED, ((Track.INBOUND, 160),)),
    "heard": wire.MediaReceived(1, Track.INBOUND, bytes(range(160)), AT_US, 7),
    "heard without a number": wire.MediaReceived(1, Track.MIXED, bytes(160), AT_US, None),
    "ended": wire.StreamEnded(1, Ending.CLOSED, AT_US, 2),
    "kept": wire.KeepMedia(1, False),
    "stored": wire.StreamStored(1),
    "refused": wire.StreamRefused(1, "no_such_profile"),
    "released": wire.StreamReleased(1, True, False),
    "pressed": wire.DigitReceived(1, DigitPressed(digit="#", track=Track.INBOUND), AT_US),
    "play": wire.PlaySound(1, bytes(320)),
}

if __name__ == "__main__":
    json.dump({name: wire.frame(said).hex() for name, said in MESSAGES.items()}, sys.stdout)
