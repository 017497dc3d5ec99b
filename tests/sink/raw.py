"""A carrier that can do what no proper websocket library does."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 0x1, 0x2, 0x0, 0x8, 0x9, 0xA


def websocket_frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0, mask: bool = True
) -> bytes:
    """Return one frame; its mask is zero."""
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    size, bit = len(payload), 0x80 if mask else 0
    if size < 126:
        length = bytes([bit | size])
    elif size < 65536:
        length = bytes([bit | 126]) + struct.pack("!H", size)
    else:
        length = bytes([bit | 127]) + struct.pack("!Q", size)
    return bytes([first]) + length + (bytes(4) if mask else b"") + payload


@dataclass
class Raw:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def connect(cls, port: int) -> Raw:
        """Connect, and say nothing yet."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def send(self, sent: bytes) -> None:
        """Send bytes."""
        self.writer.write(sent)

    async def ask(self, path: str, connection: str = "Upgrade", extra: str = "") -> int:
        """Send an upgrade request; return the status of the answer, its body read."""
        self.send(
            (
                f"GET {path} HTTP/1.1\r\nHost: sink\r\nUpgrade: websocket\r\n"
                f"Connection: {connection}\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{extra}\r\n"
            ).encode()
        )
        head = await self.reader.readuntil(b"\r\n\r\n")
        return int(head.split(b" ")[1])

    async def frame(self) -> tuple[int, bytes]:
        """Return the next frame's opcode and payload."""
        first, second = await self.reader.readexactly(2)
        size = second & 0x7F
        if size == 126:
            size = int.from_bytes(await self.reader.readexactly(2))
        return first & 0xF, await self.reader.readexactly(size)

    async def close_code(self) -> int:
        """Return the code of the close that the sink sends."""
        while True:
            opcode, payload = await self.frame()
            if opcode == CLOSE:
                return int.from_bytes(payload[:2])

    async def is_cut(self) -> bool:
        """Whether the connection ends without another byte."""
        return await self.reader.read() == b""

    def abort(self) -> None:
        """Die."""
        self.writer.transport.abort()
