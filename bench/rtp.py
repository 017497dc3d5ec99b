"""CPU of RTP: a received packet until it lies in a run, a tapped frame until it can be sent."""

from __future__ import annotations

import platform
import random
import time
from collections.abc import Callable

from chalicelib.capture.events import Clock, Track
from chalicelib.capture.packets import PacketCapture
from chalicelib.capture.records import StreamHead
from chalicelib.media.jitter import Depth, JitterBuffer
from chalicelib.media.rtp import PCMU, RtpPacket, build, parse
from chalicelib.tapping.packetizer import MessagePacketizer, RtpPacketizer, mixed

PACKETS = 30_000
"""ten minutes of one track"""
ROUNDS = 5
FRAME = random.Random(1).randbytes(160)


def main() -> None:
    """Print µs per packet of each, the least of five rounds: what else runs here only adds."""
    print(f"RTP: {PACKETS:,} packets of 20 ms, python {platform.python_version()}")
    for name, measured in MEASURED.items():
        least_ns = min(_timed(measured) for _ in range(ROUNDS))
        print(f"  {name:<48} {least_ns / PACKETS / 1000:6.2f} µs")


def _timed(measured: Callable[[], None]) -> int:
    begun_ns = time.process_time_ns()
    measured()
    return time.process_time_ns() - begun_ns


def _network() -> list[tuple[int, bytes]]:
    """Return datagrams by arrival: 5 % lost, 1 % doubled, 30 ms of jitter, which reorders."""
    dice = random.Random(2)
    arrived = []
    for number in range(PACKETS):
        packet = RtpPacket(PCMU, number & 0xFFFF, number * 160, 0xC0FFEE, FRAME)
        copies = (dice.random() >= 0.05) + (dice.random() < 0.01)
        for _ in range(copies):
            arrived.append((number * 20_000 + dice.randrange(30_000), build(packet)))
    return sorted(arrived)


ORDERLY = [
    (number * 20_000, build(RtpPacket(PCMU, number & 0xFFFF, number * 160, 0xC0FFEE, FRAME)))
    for number in range(PACKETS)
]
BAD = _network()
HEAD = StreamHead(
    stream_key="s",
    call_key="main/carrier/call",
    carrier_stream_id="c",
    dialect="rtp",
    rate_hz=8000,
    opened_at_us=0,
    clock=Clock.RTP,
)


def _ingest(datagrams: list[tuple[int, bytes]]) -> None:
    """Parse, place and keep; cut once a second."""
    capture = PacketCapture(HEAD, Track.INBOUND)
    cut_at_us = 1_000_000
    for arrival_us, datagram in datagrams:
        if arrival_us >= cut_at_us:
            capture.cut()
            cut_at_us += 1_000_000
        for one in capture.receive(parse(datagram), arrival_us):
            capture.add(one)
    capture.cut()


def _parse() -> None:
    for _, datagram in ORDERLY:
        parse(datagram)


def _jitter_buffer() -> None:
    buffer = JitterBuffer("PCMU", Depth(least=320, most=1600))
    for number in range(PACKETS):
        buffer.push(number * 160, FRAME)
        buffer.pull(160)


def _rtp(*encodings: str) -> None:
    packetizer = RtpPacketizer("PCMU", 20, ssrc=1, sequence=2, timestamp=3)
    payloads = [(FRAME, encoding) for encoding in encodings]
    for _ in range(PACKETS):
        packetizer.sound(mixed(payloads, "PCMU"))


def _messages(*encodings: str) -> None:
    packetizer = MessagePacketizer("PCMU", 20)
    payloads = [(FRAME, encoding) for encoding in encodings]
    for _ in range(PACKETS):
        packetizer.sound(mixed(payloads, "PCMU"))


MEASURED: dict[str, Callable[[], None]] = {
    "ingest: parse alone": _parse,
    "ingest: parse, place, keep, cut": lambda: _ingest(ORDERLY),
    "ingest: the same, 5 % loss, 30 ms jitter": lambda: _ingest(BAD),
    "tap: jitter buffer, in and out": _jitter_buffer,
    "tap: rtp packet, same codec": lambda: _rtp("PCMU"),
    "tap: rtp packet, other codec": lambda: _rtp("PCMA"),
    "tap: rtp packet, both tracks mixed": lambda: _rtp("PCMU", "PCMU"),
    "tap: ws message, same codec": lambda: _messages("PCMU"),
    "tap: ws message, other codec": lambda: _messages("PCMA"),
    "tap: ws message, both tracks mixed": lambda: _messages("PCMU", "PCMU"),
}


if __name__ == "__main__":
    main()
