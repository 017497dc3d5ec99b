"""What listening costs as it is wired: `python -m bench.listening`.

Messages of a two-track Bandwidth call go through `SocketStream.receive`, as the socket gives them,
once without consumers and once with recordings that detect. The figures are CPU µs for each 20 ms
frame of a track; the first line is the whole, the others are what they add.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from time import process_time
from typing import Any

from bench.detectors import RUNS
from chalicelib.capture.events import Encoding, Track
from chalicelib.carriers import registry
from chalicelib.recording.detection.end_rules import EndDecision
from chalicelib.recording.model import CallRef, Interval, Recording, RecordOptions, State
from chalicelib.sink.calls.detection import Detection
from chalicelib.sink.ingest.fan_out import FanOut
from chalicelib.sink.ingest.live_stream import LiveStream, Opening
from chalicelib.sink.ingest.socket_stream import SocketStream
from chalicelib.sink.ingest.websocket import MessageSocket
from chalicelib.sink.runtime.limits import Limits
from simulator.speech import frames

FRAMES = 3000
"""of each track: a minute"""
FRAME_US = 20_000
_TRACKS = (Track.INBOUND, Track.OUTBOUND)

ASKED: Mapping[str, tuple[dict[str, Any], ...]] = {
    "nobody listens": (),
    "a recording that asks for nothing": ({},),
    "voice activity": ({"end_silence_timeout_s": 3600.0},),
    "in-band digits (inbound)": ({"terminators": "D"},),
    "both": ({"end_silence_timeout_s": 3600.0, "terminators": "D"},),
    "both, four recordings alike": 4 * ({"end_silence_timeout_s": 3600.0, "terminators": "D"},),
}


class Nobody:
    """An owner that follows no stream."""

    def stream_opened(self, stream: LiveStream) -> None:
        """Take note of nothing."""

    stream_started = stream_closed = stream_opened

    def stream_silent(self, stream: LiveStream, number: int) -> None:
        """Let it be silent."""


class Paced(SocketStream):
    """A stream to which a frame of each track comes every 20 ms, as fast as it is given them."""

    messages = 0

    def now_us(self) -> int:
        """Return the time on the carrier's clock, for who listens."""
        self.messages += 1
        return self.opened_us + self.messages // len(_TRACKS) * FRAME_US


def main() -> int:
    """Print the table."""
    print(f"Listening on Python {platform.python_version()}, {os.cpu_count()} cores, ", end="")
    print(f"{platform.machine()}: CPU µs per 20 ms frame of a track, speech on both\n")
    messages = _messages()
    least = asyncio.run(_least(messages))
    alone = least["nobody listens"]
    for name, cost in least.items():
        added = f"{cost:6.2f}" if cost == alone else f"{cost - alone:+6.2f}"
        print(f"  {name:<36} {added}")
    return 0


async def _least(messages: list[str]) -> dict[str, float]:
    costs: dict[str, list[float]] = {name: [] for name in ASKED}
    for _ in range(RUNS):
        for name, asked in ASKED.items():
            costs[name].append(_cost(messages, asked))
    return {name: min(measured) for name, measured in costs.items()}


def _cost(messages: list[str], asked: tuple[dict[str, Any], ...]) -> float:
    """Return µs per frame."""
    stream, fan_out, ended = _stream(), FanOut(), list[EndDecision]()
    fan_out.add_stream(stream)
    Detection(fan_out, ended.append).attend(
        [_recording(place, options) for place, options in enumerate(asked)], list
    )
    receive = stream.receive
    begun = process_time()
    for place, message in enumerate(messages):
        if place % 100 == 0:
            stream.cut()
        receive(message)
    taken = process_time() - begun
    assert not ended
    return taken / len(messages) * 1e6


def _stream() -> Paced:
    opening = Opening(
        account="main", profile="p", carrier="bandwidth", dialect="bandwidth", stream_key="s"
    )
    parser = registry.parser(registry.route("/bandwidth/token"))
    stream = Paced(opening, parser, Nobody(), Limits(wire_rate=1 << 40))
    stream.opened(MessageSocket(stream))
    tracks = [
        {"name": str(track), "mediaFormat": {"encoding": "PCMU", "sampleRate": 8000}}
        for track in _TRACKS
    ]
    metadata = {"accountId": "5", "callId": "c", "streamId": "s", "tracks": tracks}
    stream.receive(json.dumps({"eventType": "start", "metadata": metadata}))
    stream.keep_media()
    return stream


def _recording(place: int, options: dict[str, Any]) -> Recording:
    at = datetime.now(UTC)
    return Recording(
        recording_id=f"r-{place}",
        call=CallRef(account="main", carrier="bandwidth", call_id="c"),
        control_id="bench",
        state=State.RECORDING,
        version=1,
        round=1,
        options=RecordOptions(**options),
        profile="p",
        created_at=at,
        started_at=at,
        intervals=(Interval(),),
    )


def _messages() -> list[str]:
    spoken = [frames(FRAMES / 50, 1, track, Encoding.PCMU) for track in _TRACKS]
    return [
        json.dumps(
            {
                "eventType": "media",
                "sequenceNumber": str(number),
                "track": str(track),
                "payload": base64.b64encode(payload).decode(),
            }
        )
        for number, pair in enumerate(zip(*spoken, strict=True))
        for track, payload in zip(_TRACKS, pair, strict=True)
    ]


if __name__ == "__main__":
    raise SystemExit(main())
