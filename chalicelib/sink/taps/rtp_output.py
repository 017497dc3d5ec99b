"""A tap's packets over UDP. A connected socket hears when nobody listens at the other end."""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import ip_address
from time import monotonic

from chalicelib.errors import Unreachable
from chalicelib.sink.runtime.limits import Limits

_QUIET_S = 1.0
"""without a refusal: a destination that refused before listens now"""


class RtpOutlet:
    """A socket of its own for each tap: its address is the tap's source."""

    def __init__(
        self,
        address: str,
        port: int,
        public_host: str,
        limits: Limits,
        on_end: Callable[[str], None],
    ) -> None:
        """`public_host` is what the world sees of a private address. Raises Unreachable."""
        self.sent = self.dropped = self.reconnects = 0
        self._is_public = not ip_address(address).is_private
        self._public_host = public_host
        self._limits = limits
        self._on_end = on_end
        self._refused_since: float | None = None
        self._refused_at = 0.0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.connect((address, port))
        except OSError as error:
            self._socket.close()
            raise Unreachable(f"no way to {address}", code="unreachable") from error

    @property
    def source(self) -> tuple[str, int]:
        """Return from where packets come."""
        address, port = self._socket.getsockname()
        seen = self._public_host if self._is_public else ""
        return seen or str(address), int(port)

    def send(self, message: bytes) -> None:
        """Send a packet; one that the network doesn't take at once is dropped."""
        try:
            self._socket.send(message)
        except BlockingIOError:
            self.dropped += 1
        except OSError:
            self.dropped += 1
            self._note_refusal()
        else:
            self.sent += 1

    def close(self) -> None:
        """Send nothing more."""
        self._socket.close()

    def _note_refusal(self) -> None:
        """End where the other end has refused for a while: one that restarts may do so."""
        now = monotonic()
        if self._refused_since is None or now - self._refused_at > _QUIET_S:
            self._refused_since = now
        self._refused_at = now
        if now - self._refused_since >= self._limits.tap_refused_s:
            self._on_end("unreachable")
