"""RTP as wired: what a packet costs from the socket to a record, with many ports at once.

    python -m bench.rtp_ingest [--ports 250] [--seconds 20]

One core sends and the other is the sink's, as in `bench.ingest`.
"""

from __future__ import annotations

import argparse
import platform
import socket
import time
from dataclasses import dataclass

from bench.ingest import SINK_CORE, Child
from chalicelib.media.rtp import PCMU, RtpPacket, build

FRAME_S = 0.02
PAYLOAD = bytes(range(160))


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpMeasured:
    """A run's figures."""

    sent: int
    received: int
    cpu_s: float

    @property
    def packet_us(self) -> float:
        """µs of CPU, user and system, per packet."""
        return self.cpu_s / self.received * 1_000_000


def main() -> None:
    """Measure without and with a listener."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--ports", type=int, default=250)
    parser.add_argument("--seconds", type=int, default=20)
    given = parser.parse_args()
    print(f"RTP, {given.ports} ports of 50 packets a second, python {platform.python_version()}")
    for name, kind in (("socket to record", "captured"), ("the same, heard", "listened")):
        measured = measure(given.ports, given.seconds, kind)
        lost = measured.sent - measured.received
        print(f"  {name:<20} {measured.packet_us:6.1f} µs a packet, {lost} of {measured.sent} lost")


def measure(ports: int, seconds: int, kind: str) -> RtpMeasured:
    """Send to a sink of so many ports."""
    sink = Child(SINK_CORE, "bench.rtp_sink", str(ports), kind)
    first = sink.hear("count")["first"]
    _send(first, ports, 2)
    begun_s = sink.cpu_s()
    sent = _send(first, ports, seconds)
    time.sleep(1.5)
    cpu_s = sink.cpu_s() - begun_s
    sink.process.terminate()
    told = sink.hear("packets")
    sink.process.wait(60)
    warm = 2 * ports * round(1 / FRAME_S)
    return RtpMeasured(sent=sent, received=told["packets"] - warm, cpu_s=cpu_s)


_numbers = iter(range(1 << 30))


def _send(first: int, ports: int, seconds: int) -> int:
    """Send to every port every 20 ms, spread over that time; return how many packets."""
    frames = round(seconds / FRAME_S)
    with _sender() as sender:
        begun_s = time.monotonic()
        for frame in range(frames):
            number = next(_numbers)
            datagram = build(RtpPacket(PCMU, number & 0xFFFF, number * 160, 7, PAYLOAD))
            for port in range(ports):
                due_s = begun_s + (frame + port / ports) * FRAME_S
                if port % 10 == 0:
                    time.sleep(max(0.0, due_s - time.monotonic()))
                sender.sendto(datagram, ("127.0.0.1", first + 2 * port))
    return frames * ports


def _sender() -> socket.socket:
    """Return a socket of one fixed address: a port is locked to its first sender."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 19_998))
    return made


if __name__ == "__main__":
    main()
