"""A live call on a sink, and destinations for its taps."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection, serve

from chalicelib.media import rtp
from chalicelib.recording import keys
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.tapping.model import Tap
from tests.sink.fakes import FakeLiveTaps
from tests.sink.rig import STOP, Rig, frame, media, start, until

CALL_KEY = "main/bandwidth/c-1"
SILENCE = b"\xff"


@dataclass
class Stage:
    """A call that talks, and who may tap it."""

    rig: Rig
    socket: ClientConnection
    said: list[int] = field(default_factory=list)
    call_key: str = CALL_KEY
    _commands: int = 0

    @property
    def taps(self) -> FakeLiveTaps:
        assert isinstance(self.rig.taps, FakeLiveTaps)
        return self.rig.taps

    async def talk(self, frames: int, *tracks: str) -> None:
        """Send 20 ms after 20 ms, as a carrier does."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for place in range(1, frames + 1):
            number = len(self.said) + 1
            for track in tracks or ("inbound",):
                await self.socket.send(media(number, track))
            self.said.append(number)
            await asyncio.sleep(begun + place * 0.02 - loop.time())

    @asynccontextmanager
    async def talking(self, *tracks: str) -> AsyncIterator[None]:
        """Talk until the block ends."""
        task = asyncio.create_task(self.talk(100_000, *tracks))
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def command(
        self, kind: CommandKind, control_id: str, asked: Mapping[str, str | int] | None = None
    ) -> None:
        """Give a command, and wait until it is carried out."""
        self._commands += 1
        command = Command(
            command_id=f"{kind}-{self._commands}",
            kind=kind,
            worker="w-1",
            call_key=self.call_key,
            recording_id=keys.tap_id(self.call_key, control_id),
            at=datetime.now(UTC),
            tap=asked or {},
        )
        self.rig.mailbox.send(command)
        await until(lambda: not self.rig.mailbox.is_waiting(command), 10)

    async def tap(self, uri: str, control_id: str = "t", **options: str | int) -> Tap | None:
        """Begin a tap; return its row, if it has one."""
        asked = {"uri": uri, "control_id": control_id, **options}
        await self.command(CommandKind.TAP, control_id, asked)
        return self.taps.rows.get(keys.tap_id(self.call_key, control_id))

    async def stop_tap(self, control_id: str = "t") -> Tap:
        """End a tap; return its row."""
        await self.command(CommandKind.STOP_TAP, control_id)
        return self.row(control_id)

    def row(self, control_id: str = "t") -> Tap:
        """Return a tap's row."""
        return self.taps.rows[keys.tap_id(self.call_key, control_id)]


@asynccontextmanager
async def stage(**changes: Any) -> AsyncIterator[Stage]:
    """Begin a call; it stops when the block ends."""
    rig = Rig(**changes)
    async with rig.running(), rig.bandwidth() as line:
        await line.send(start())
        await until(lambda: rig.control.joinings)
        await asyncio.sleep(0.02)
        yield Stage(rig, line)
        with suppress(OSError):
            await line.send(STOP)
        await until(lambda: not rig.sink.call_registry.calls, 10)


@dataclass
class Listener:
    """A websocket that is a tap's destination."""

    port: int = 0
    paths: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    messages: list[str | bytes] = field(default_factory=list)
    connections: list[ServerConnection] = field(default_factory=list)
    closed: list[int | None] = field(default_factory=list)

    @property
    def uri(self) -> str:
        return f"ws://127.0.0.1:{self.port}/audio?a=b"

    @property
    def heard(self) -> bytes:
        """Return all that came, without silence."""
        return b"".join(m for m in self.messages if isinstance(m, bytes)).replace(SILENCE, b"")

    async def hear(self, connection: ServerConnection) -> None:
        """Take messages until the other end is done."""
        assert connection.request is not None
        self.connections.append(connection)
        self.paths.append(connection.request.path)
        self.hosts.append(connection.request.headers["Host"])
        async for message in connection:
            self.messages.append(message)
        self.closed.append(connection.close_code)


@asynccontextmanager
async def listening(
    hear: Callable[[Listener, ServerConnection], Any] | None = None, **options: Any
) -> AsyncIterator[Listener]:
    """Serve a listener on a free port."""
    listener = Listener()

    async def serve_one(connection: ServerConnection) -> None:
        await (hear(listener, connection) if hear else listener.hear(connection))

    place = () if "sock" in options else ("127.0.0.1", 0)
    async with serve(serve_one, *place, compression=None, **options) as server:
        listener.port = server.sockets[0].getsockname()[1]
        yield listener


@dataclass
class Receiver:
    """A UDP port that is a tap's destination."""

    sock: socket.socket
    packets: list[rtp.RtpPacket] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    sources: set[tuple[str, int]] = field(default_factory=set)

    @property
    def uri(self) -> str:
        return f"rtp://127.0.0.1:{self.sock.getsockname()[1]}"

    @property
    def heard(self) -> bytes:
        """Return all that came."""
        return b"".join(packet.payload for packet in self.packets)

    def read(self) -> None:
        datagram, source = self.sock.recvfrom(2048)
        self.arrivals.append(asyncio.get_running_loop().time())
        self.sources.add(source)
        packet = rtp.parse(datagram)
        assert isinstance(packet, rtp.RtpPacket)
        self.packets.append(packet)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Receive on a free port."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    receiver, loop = Receiver(sock), asyncio.get_running_loop()
    loop.add_reader(sock, receiver.read)
    try:
        yield receiver
    finally:
        loop.remove_reader(sock)
        sock.close()


def said(numbers: list[int]) -> bytes:
    """Return frames, without what sounds like silence."""
    return spoken(numbers).replace(SILENCE, b"")


def spoken(numbers: list[int]) -> bytes:
    """Return frames as they are."""
    return b"".join(map(frame, numbers))


def free_tcp_port() -> int:
    """Return a port without a listener."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
