"""A dialect of the tests that tells digits beside the sound, on real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from picows import ws_create_server
from websockets.asyncio.client import ClientConnection, connect

from chalicelib.capture.events import (
    Clock,
    DigitPressed,
    Encoding,
    Media,
    StreamEvent,
    StreamStarted,
    Track,
)
from chalicelib.carriers.contract.stream_limits import StreamLimits
from chalicelib.sink.ingest.live_stream import Opening
from chalicelib.sink.ingest.socket_stream import SocketStream
from chalicelib.sink.ingest.websocket import MessageSocket
from tests.sink.rig import Rig


class Telling:
    """Binary audio; a text message is a digit, `<` before one that was played to the party."""

    name = "telling"
    clock = Clock.ARRIVAL
    limits = StreamLimits()

    def __init__(self, stream_id: str) -> None:
        self._stream_id = stream_id

    def open(self) -> StreamStarted:
        """Return the start."""
        return StreamStarted(
            call_id="c-1",
            carrier_stream_id=self._stream_id,
            tracks=(Track.INBOUND,),
            encoding=Encoding.PCMU,
        )

    def receive(self, message: str | bytes) -> StreamEvent:
        """Return what a message says."""
        if isinstance(message, bytes):
            return Media(Track.INBOUND, message)
        if message.startswith("<"):
            return DigitPressed(digit=message[1:], track=Track.OUTBOUND)
        return DigitPressed(digit=message)

    def play(self, _pcm: bytes) -> None:
        """Return None: the carrier plays nothing."""


@asynccontextmanager
async def telling(rig: Rig) -> AsyncIterator[ClientConnection]:
    """Open a socket of that dialect on a running worker."""
    numbers = count()

    def answer(_request: object) -> MessageSocket:
        opening = Opening(
            account="main",
            profile="support",
            carrier="bandwidth",
            dialect="bandwidth",
            stream_key=f"{rig.name}-t-{next(numbers)}",
            tells_digits=True,
        )
        return MessageSocket(
            SocketStream(opening, Telling(opening.stream_key), rig.sink.call_registry, rig.limits)
        )

    server = await ws_create_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with connect(f"ws://127.0.0.1:{port}/", compression=None) as socket:
        yield socket
    server.close()
