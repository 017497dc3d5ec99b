"""Outgoing taps as wired: CPU per frame from a stream's message to the socket, and how steadily
they send. Everything runs in real time; who receives is another process.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import platform
import random
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_network
from itertools import pairwise
from multiprocessing.connection import Connection
from typing import cast

import uvloop
from picows import WSFrame, WSListener, WSTransport, WSUpgradeRequest, ws_create_server

from chalicelib.capture.events import Encoding, Track
from chalicelib.ports.call_owner import LiveTaps
from chalicelib.recording.model import Direction
from chalicelib.security.url_guard import UrlPolicy
from chalicelib.sink.ingest.live_stream import LiveStream
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.runtime.ticker import Ticker
from chalicelib.sink.taps.dialer import Dialer
from chalicelib.sink.taps.live_tap import LiveTap
from chalicelib.sink.taps.tap_senders import Senders, playout
from chalicelib.tapping.model import Codec, TapOptions

TAPS = 100
SECONDS = 10
PACED = (1, TAPS)
"""taps at once while pacing is measured"""
ROUNDS = 3
"""of pacing: what else runs on the machine only adds"""
LOCAL = UrlPolicy(ports=None, allowed_networks=(ip_network("127.0.0.0/8"),))
FRAME = random.Random(1).randbytes(160)


@dataclass(frozen=True, slots=True, kw_only=True)
class TapKind:
    """What is measured: the way, and what must be done to the sound."""

    name: str
    scheme: str
    codec: Codec = Codec.PCMU
    direction: Direction = Direction.SPEAK


KINDS = (
    TapKind(name="ws, same codec", scheme="ws"),
    TapKind(name="ws, other codec", scheme="ws", codec=Codec.PCMA),
    TapKind(name="ws, both tracks mixed", scheme="ws", direction=Direction.BOTH),
    TapKind(name="rtp, same codec", scheme="rtp"),
    TapKind(name="rtp, other codec", scheme="rtp", codec=Codec.PCMA),
    TapKind(name="rtp, both tracks mixed", scheme="rtp", direction=Direction.BOTH),
)


class TapSource:
    """What a listener asks of a stream."""

    encoding = Encoding.PCMU


def main() -> None:
    """Print µs per frame of each kind, and the pacing."""
    print(f"taps: {TAPS} at once for {SECONDS} s, 20 ms, python {platform.python_version()}")
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    receiver = context.Process(target=_receive, args=(there,), daemon=True)
    receiver.start()
    ports = cast(dict[str, int], here.recv())
    print(f"  {'a bare send on loopback':<28} {_floor_us(ports['rtp']):6.1f} µs")
    idle_s = uvloop.run(_cpu_s(KINDS[0], ports, 0))
    for kind in KINDS:
        used_s = uvloop.run(_cpu_s(kind, ports, TAPS)) - idle_s
        print(f"  {kind.name:<28} {used_s / (TAPS * SECONDS * 50) * 1e6:6.1f} µs")
    for count in PACED:
        for _ in range(ROUNDS):
            here.send("begin")
            uvloop.run(_cpu_s(KINDS[3], ports, count))
            here.send("tell")
            _print_pacing(count, cast(list[float], here.recv()))
    receiver.terminate()


def _floor_us(port: int) -> float:
    """Return the CPU of the system call alone."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        begun_s = time.process_time()
        for _ in range(SECONDS * 50 // 2):
            for _ in range(TAPS):
                sock.send(bytes(12) + FRAME)
            time.sleep(0.02)
        return (time.process_time() - begun_s) / (SECONDS * 50 // 2 * TAPS) * 1e6


async def _cpu_s(kind: TapKind, ports: dict[str, int], count: int) -> float:
    """Return the CPU that taps of a kind took, their source's messages included."""
    limits = Limits()
    dialer = Dialer(policy=LOCAL, limits=limits)
    senders = Senders("bench", cast(LiveTaps, None), dialer, Health(), limits, "")
    options = TapOptions(
        uri=f"{kind.scheme}://127.0.0.1:{ports[kind.scheme]}",
        codec=kind.codec,
        direction=kind.direction,
    )
    outlets = [await senders.open(options, print) for _ in range(count)]
    taps = [LiveTap(playout(options), outlet) for outlet in outlets]
    feed, source = Ticker(20), cast(LiveStream, TapSource())

    def speak() -> None:
        for tap in taps:
            for track in (Track.INBOUND, Track.OUTBOUND):
                tap.hear(source, track, FRAME, 0)

    feed.add(speak)
    await asyncio.sleep(0.009)  # off the senders' beat, as a carrier is
    ticker = senders.ticker(options)
    for tap in taps:
        ticker.add(tap.tick)
    begun_s = time.process_time()
    await asyncio.sleep(SECONDS)
    used_s = time.process_time() - begun_s
    feed.remove(speak)
    for tap, outlet in zip(taps, outlets, strict=True):
        ticker.remove(tap.tick)
        outlet.close()
    dropped = sum(outlet.dropped for outlet in outlets)
    if dropped:
        print(f"  dropped: {dropped}")
    await asyncio.sleep(0.2)
    await senders.close()
    return used_s


def _print_pacing(count: int, arrivals: list[float]) -> None:
    """Print how far one tap's packets are from a steady beat, and from each other."""
    late = [at - number * 0.02 for number, at in enumerate(arrivals)]
    least = min(late)
    off = sorted((one - least) * 1000 for one in late)
    steps = sorted(abs(b - a - 0.02) * 1000 for a, b in pairwise(arrivals))
    print(
        f"  pacing of one among {count:>3}, rtp     "
        f"behind the beat p50 {_part(off, 0.5)} p99 {_part(off, 0.99)} max {off[-1]:.2f} ms;"
        f" step off 20 ms p50 {_part(steps, 0.5)} p99 {_part(steps, 0.99)} max {steps[-1]:.2f} ms"
    )


def _part(ordered: list[float], share: float) -> str:
    return f"{ordered[int(len(ordered) * share)]:.2f}"


# --- the other process


class Deaf(WSListener):
    """Reads, and that is all."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        pass


def _receive(there: Connection) -> None:
    uvloop.run(_serve(there))


async def _serve(there: Connection) -> None:
    """Receive by both ways; tell when one SSRC's packets came."""

    def answer(_request: WSUpgradeRequest) -> WSListener:
        return Deaf()

    server = await ws_create_server(answer, "127.0.0.1", 0)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    arrivals: dict[bytes, list[float]] = {}

    def read() -> None:
        ssrc = sock.recv(2048)[8:12]
        arrivals.setdefault(ssrc, []).append(time.monotonic())

    loop = asyncio.get_running_loop()
    loop.add_reader(sock, read)
    there.send({"ws": server.sockets[0].getsockname()[1], "rtp": sock.getsockname()[1]})
    ask: Callable[[], Awaitable[str]] = lambda: asyncio.to_thread(there.recv)  # noqa: E731  # short
    while True:
        asked = await ask()
        if asked == "begin":
            arrivals.clear()
        else:
            ordered = list(arrivals.values())
            there.send(ordered[len(ordered) // 2])


if __name__ == "__main__":
    main()
