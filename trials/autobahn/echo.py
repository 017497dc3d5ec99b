"""The sink's websocket with an echo on it: its socket class, its server options, its loop."""

from __future__ import annotations

import asyncio

import uvloop
from picows import WSMsgType, WSTransport, WSUpgradeRequest

from chalicelib.recording.model import Ending
from chalicelib.sink.ingest.websocket import MessageSocket, listen
from chalicelib.sink.runtime.limits import Limits


class Echo:
    """A session that says what it hears. A sink's own sessions say nothing."""

    def __init__(self) -> None:
        self.transport: WSTransport | None = None

    def opened(self, socket: MessageSocket) -> None:
        """The transport is there already."""

    def receive(self, message: str | bytes) -> None:
        """Send it back."""
        if self.transport is not None:
            kind = WSMsgType.TEXT if isinstance(message, str) else WSMsgType.BINARY
            octets = message.encode() if isinstance(message, str) else message
            self.transport.send(kind, octets)

    def spend(self, size: int) -> None:
        """Nothing is counted here."""

    def closed(self, ending: Ending, code: int) -> None:
        """Forget the transport."""
        self.transport = None


class EchoSocket(MessageSocket):
    """The sink's socket; only the echo learns its transport."""

    def __init__(self, echo: Echo) -> None:
        super().__init__(echo)
        self._echo = echo

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._echo.transport = transport
        super().on_ws_connected(transport)


async def serve() -> None:
    """Serve on a free port and print it; end with the process."""
    server = await listen(_answer, "127.0.0.1", 0, Limits())
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


def _answer(_request: WSUpgradeRequest) -> EchoSocket:
    return EchoSocket(Echo())


if __name__ == "__main__":
    uvloop.run(serve())
