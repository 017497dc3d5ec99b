"""A receiver that never stops answering, a byte at a time."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from infra.local.ports import HOST

_EVERY_S = 0.5


class Drip:
    """Takes every request and says its status line for ever."""

    def __init__(self) -> None:
        self._listener = socket.create_server((HOST, 0), backlog=128)
        self.url = f"http://{HOST}:{self._listener.getsockname()[1]}/status"
        self._held: set[socket.socket] = set()
        self._over = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def held(self) -> int:
        """Return how many senders wait for an answer now."""
        return len(self._held)

    async def hold(self, senders: int, within_s: float) -> None:
        """Wait until so many senders wait. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while self.held < senders:
                await asyncio.sleep(0.1)

    def close(self) -> None:
        """Let everybody go."""
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                sender, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(sender,), daemon=True).start()

    def _answer(self, sender: socket.socket) -> None:
        self._held.add(sender)
        with suppress(OSError), sender:
            sender.sendall(b"HTTP/1.1 200 ")
            while not self._over.wait(_EVERY_S):
                sender.sendall(b"O")
        self._held.discard(sender)


@contextmanager
def dripping() -> Iterator[Drip]:
    """Run one until the block ends."""
    drip = Drip()
    try:
        yield drip
    finally:
        drip.close()
