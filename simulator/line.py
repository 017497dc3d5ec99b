"""One websocket of a simulated call: opened, fed by its plan, ended."""

from __future__ import annotations

from collections.abc import Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from simulator.report import Ended
from simulator.schedule import Action, Connect, Disconnect, Faults, Press, Say, Send, Start
from simulator.socket import MessageSocket

OPEN_TIMEOUT_S = 10


class LineEnded(Exception):
    """The sink refused or closed the socket."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(f"{ended.url}: {ended.by} {ended.code} {ended.reason}")
        self.ended = ended


class Line:
    """A carrier's socket; tells each payload that went out."""

    def __init__(self, socket: MessageSocket, on_sent: Callable[[Send], None]) -> None:
        self.socket = socket
        self._on_sent = on_sent
        self._connection: ClientConnection | None = None

    async def act(self, action: Action) -> None:
        """Do one thing of the plan. Raises LineEnded where the sink ended the socket."""
        try:
            match action:
                case Connect():
                    self._connection = await self._open(action.url or self.socket.url)
                case Disconnect():
                    self._drop()
                case Start():
                    await self._say(*self.socket.opening())
                case Say():
                    await self._say(action.message)
                case Press():
                    pass  # no websocket that we simulate tells digits
                case Send():
                    await self._say(self.socket.media(action))
                    self._on_sent(action)
        except ConnectionClosed as error:
            raise LineEnded(self._ended_by_sink(error)) from error

    async def end(self, faults: Faults) -> Ended:
        """Say the last words, as far as the faults let it, and leave."""
        try:
            if faults.stops:
                await self._say(*self.socket.closing())
        except ConnectionClosed as error:
            return self._ended_by_sink(error)
        if self._connection and faults.closes:
            await self._connection.close()
        else:
            self._drop()
        return Ended(url=self.socket.url, by="carrier", code=1000 if faults.closes else 1006)

    async def _open(self, url: str) -> ClientConnection:
        try:
            return await connect(
                url, compression=None, open_timeout=OPEN_TIMEOUT_S, ping_interval=None, proxy=None
            )
        except InvalidStatus as error:
            reason = (error.response.body or b"").decode(errors="replace")
            refused = Ended(
                url=url, by="refused", code=error.response.status_code, reason=reason[:500]
            )
        except (OSError, TimeoutError, InvalidURI, InvalidHandshake) as error:
            refused = Ended(url=url, by="refused", code=0, reason=str(error) or "no answer")
        raise LineEnded(refused)

    async def _say(self, *messages: str | bytes) -> None:
        for message in messages:
            if self._connection:
                await self._connection.send(message)

    def _drop(self) -> None:
        if self._connection:
            self._connection.transport.abort()
            self._connection = None

    def _ended_by_sink(self, error: ConnectionClosed) -> Ended:
        close = error.rcvd
        return Ended(
            url=self.socket.url,
            by="sink",
            code=close.code if close else 1006,
            reason=close.reason if close else "",
        )
