"""Sends the datagrams of a simulated RTP tap; UDP has no answer, so none is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from simulator.report import Ended
from simulator.schedule import Action, Connect, Disconnect, Faults, Press, Say, Send, Start
from simulator.socket import PacketSocket


class Datagrams:
    """A carrier's UDP socket; tells each payload that went out."""

    def __init__(self, socket: PacketSocket, on_sent: Callable[[Send], None]) -> None:
        self._socket = socket
        self._on_sent = on_sent
        self._transport: asyncio.DatagramTransport | None = None

    async def act(self, action: Action) -> None:
        """Do one thing of the plan."""
        match action:
            case Connect():
                await self._open(action.url or self._socket.url)
            case Disconnect():
                self._close()
            case Start():
                pass
            case Press():
                self._socket.press(action.digit)
            case Say():
                message = action.message
                self._say(message.encode() if isinstance(message, str) else message)
            case Send():
                for packet in self._socket.packets(action):
                    self._say(packet)
                self._on_sent(action)

    async def end(self, faults: Faults) -> Ended:
        """Send nothing more."""
        self._close()
        return Ended(url=self._socket.url, by="carrier", code=0)

    async def _open(self, url: str) -> None:
        address = urlsplit(url)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=(address.hostname or "", address.port or 0)
        )
        self._transport = transport

    def _say(self, packet: bytes) -> None:
        if self._transport:
            self._transport.sendto(packet)

    def _close(self) -> None:
        if self._transport:
            self._transport.close()
            self._transport = None
