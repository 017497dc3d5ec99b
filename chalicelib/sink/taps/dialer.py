"""How a tap's websocket is opened: to an address that the URL guard let through, and no other.

The name is resolved once, every address that it has is checked, and the socket goes to one of those
very addresses; the name stays in Host and in TLS's SNI, and the certificate is verified against it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from picows import WSError, WSListener, ws_connect

from chalicelib.adapters.http.guarded_socket import (
    MAX_ADDRESSES_TRIED,
    Resolve,
    public_tls,
    resolve,
)
from chalicelib.errors import Unreachable, UrlRefused
from chalicelib.security.url_guard import (
    Address,
    GuardedUrl,
    Purpose,
    UrlPolicy,
    judge_address,
    parse_url,
)
from chalicelib.sink.ingest.websocket import MESSAGE_BYTES_MAX
from chalicelib.sink.runtime.limits import Limits

_KERNEL_BYTES = 4 * 1024
"""of unsent audio in the kernel, which doubles it: a slow listener is seen within seconds"""

_parser_log = logging.LoggerAdapter(logging.getLogger("picows"), {})
_parser_log.setLevel(logging.CRITICAL)  # its sentences quote URLs


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialer:
    """Opens websockets."""

    policy: UrlPolicy
    limits: Limits
    resolve: Resolve = resolve
    """asked in a thread"""
    tls: Callable[[], ssl.SSLContext] = field(default=public_tls)

    def verify(self, uri: str) -> GuardedUrl:
        """Return a destination's parts. Raises Unreachable where it may not be sent to."""
        try:
            return parse_url(uri, self.policy, Purpose.TAP_URI)
        except UrlRefused as error:
            raise Unreachable(error.message, code="address_refused") from error

    async def dial(self, uri: str, line: WSListener) -> None:
        """Open a websocket for a listener. Raises Unreachable, its code says why."""
        try:
            async with asyncio.timeout(self.limits.tap_connect_s):
                await self._dial(self.verify(uri), line)
        except UrlRefused as error:
            raise Unreachable(error.message, code="address_refused") from error
        except ssl.SSLError as error:
            raise Unreachable("TLS failed", code="tls_failed") from error
        except WSError as error:
            raise Unreachable("no websocket there", code="refused") from error
        except OSError as error:
            raise Unreachable("no connection", code="unreachable") from error

    async def _dial(self, url: GuardedUrl, line: WSListener) -> None:
        addresses = await self._addresses(url)

        async def connected(_parsed: object) -> socket.socket:
            return await _connect_to_one(addresses, url.port)

        upgraded: list[WSListener] = []

        def begin() -> WSListener:
            upgraded.append(line)
            return line

        await ws_connect(
            begin,
            f"{url.scheme}://{url.authority}{url.target}",
            socket_factory=connected,
            ssl_context=self.tls() if url.scheme == "wss" else None,
            max_redirects=0,
            websocket_handshake_timeout=self.limits.tap_connect_s,
            logger_name=_parser_log,
            enable_auto_ping=True,
            auto_ping_idle_timeout=self.limits.ping_after_s,
            auto_ping_reply_timeout=self.limits.pong_within_s,
            max_frame_size=MESSAGE_BYTES_MAX,
        )
        if not upgraded:
            # It returns also where the other end leaves without a word.
            raise Unreachable("no answer", code="refused")

    async def _addresses(self, url: GuardedUrl) -> Sequence[Address]:
        """Return the host's addresses, each of them checked."""
        if url.address is not None:
            return [url.address]
        loop = asyncio.get_running_loop()
        try:
            texts = await loop.run_in_executor(None, self.resolve, url.host, url.port)
            addresses = [ip_address(text) for text in texts]
        except (OSError, ValueError) as error:
            raise Unreachable("the name has no address", code="name_not_resolved") from error
        if not addresses:
            raise Unreachable("the name has no address", code="name_not_resolved")
        for address in addresses:
            judge_address(address, self.policy, Purpose.TAP_URI)
        return addresses


async def _connect_to_one(addresses: Sequence[Address], port: int) -> socket.socket:
    """Return a socket to the first address that takes it. Raises OSError."""
    failed: OSError | None = None
    for address in addresses[:MAX_ADDRESSES_TRIED]:
        try:
            return await _connect(address, port)
        except OSError as error:
            failed = error
    assert failed is not None
    raise failed


async def _connect(address: Address, port: int) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (str(address), port))
        if ip_address(sock.getpeername()[0]) != address:
            raise Unreachable(
                "connected to an address that was not checked", code="address_refused"
            )
    except BaseException:
        sock.close()
        raise
    return sock
