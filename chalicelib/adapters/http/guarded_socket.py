"""Opens sockets to foreign addresses: resolves once, checks the address, and connects to that one.

Every address of a name must pass the URL guard; the socket is opened to one of those addresses, and
its peer is compared. Failures are `Failed` until their caller says what they mean to it.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from http.client import HTTPException
from ipaddress import ip_address

from chalicelib.adapters.http.exchange import Deadline, within
from chalicelib.errors import UrlRefused
from chalicelib.ports.values import SendFault
from chalicelib.security.url_guard import (
    Address,
    GuardedUrl,
    Purpose,
    UrlPolicy,
    judge_address,
    parse_url,
)

MAX_ADDRESSES_TRIED = 3

Resolve = Callable[[str, int], Sequence[str]]
Connect = Callable[[Address, int, float], socket.socket]


def resolve(host: str, port: int) -> list[str]:
    """Return a name's addresses, in the system's order. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def connect(address: Address, port: int, timeout_s: float) -> socket.socket:
    """Return a socket to this address. Raises OSError, of it TimeoutError."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout_s)
        sock.connect((str(address), port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


@cache
def public_tls() -> ssl.SSLContext:
    """Return the context that verifies a receiver against the system's authorities."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class GuardedConnector:
    """Opens sockets for one purpose.

    `connect_s` bounds the resolution and, again, the connection.
    """

    def __init__(
        self,
        policy: UrlPolicy,
        purpose: Purpose,
        *,
        connect_s: float,
        resolve: Resolve,
        connect: Connect,
        tls: Callable[[], ssl.SSLContext],
    ) -> None:
        self._policy = policy
        self._purpose = purpose
        self._connect_s = connect_s
        self._resolve = resolve
        self._connect = connect
        self._tls = tls

    def parse(self, url: str) -> GuardedUrl:
        """Return the parts of a URL that may be called. Raises Failed."""
        with faults({UrlRefused: SendFault.URL}):
            return parse_url(url, self._policy, self._purpose)

    def open(self, url: GuardedUrl, deadline: Deadline) -> socket.socket:
        """Return a socket to the URL's host, encrypted where the scheme says so. Raises Failed."""
        sock = self._connect_to_one(self._addresses(url, deadline), url.port, deadline)
        if url.scheme == "http":
            return sock
        try:
            with faults(_TLS_FAULTS):
                sock.settimeout(deadline.left_s())
                return self._tls().wrap_socket(sock, server_hostname=url.host)
        except Failed:
            sock.close()
            raise

    def _addresses(self, url: GuardedUrl, deadline: Deadline) -> list[Address]:
        """Return the host's addresses, each of them checked."""
        if url.address is not None:
            return [url.address]
        with faults(_NAME_FAULTS):
            timeout_s = min(self._connect_s, deadline.left_s())
            texts = within(timeout_s, lambda: self._resolve(url.host, url.port))
            addresses = [ip_address(text) for text in texts]
        if not addresses:
            raise Failed(SendFault.NAME, "the name has no address")
        with faults({UrlRefused: SendFault.ADDRESS}):
            for address in addresses:
                judge_address(address, self._policy, self._purpose)
        return addresses

    def _connect_to_one(
        self, addresses: list[Address], port: int, deadline: Deadline
    ) -> socket.socket:
        """Return a socket to the first address that takes it; each gets a fair part of the time."""
        until = Deadline(min(self._connect_s, deadline.left_s()))
        tried = addresses[:MAX_ADDRESSES_TRIED]
        detail = ""
        for number, address in enumerate(tried):
            try:
                sock = self._connect(address, port, until.left_s() / (len(tried) - number))
                return _with_peer(sock, address)
            except OSError as error:
                detail = words(error)
        raise Failed(SendFault.CONNECT, detail)


def _with_peer(sock: socket.socket, address: Address) -> socket.socket:
    """Return a socket whose peer is the checked address; close any other."""
    try:
        if ip_address(sock.getpeername()[0]) != address:
            raise Failed(SendFault.ADDRESS, "connected to an address that was not checked")
    except BaseException:
        sock.close()
        raise
    return sock


class Failed(Exception):
    """There was no answer, and why; never leaves the adapters."""

    def __init__(self, fault: SendFault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


_Faults = Mapping[type[Exception], SendFault]

# The first row that fits counts: TimeoutError is an OSError, RemoteDisconnected is both others.
_NAME_FAULTS: _Faults = {
    OSError: SendFault.NAME,
    ValueError: SendFault.NAME,
}
_TLS_FAULTS: _Faults = {
    TimeoutError: SendFault.DEADLINE,
    OSError: SendFault.TLS,
    ValueError: SendFault.TLS,
}
EXCHANGE_FAULTS: _Faults = {
    TimeoutError: SendFault.DEADLINE,
    OSError: SendFault.BROKEN,
    HTTPException: SendFault.MALFORMED,
}


@contextmanager
def faults(table: _Faults) -> Iterator[None]:
    """Translate the table's exceptions: this is the border."""
    try:
        yield
    except tuple(table) as error:
        fault = next(fault for kind, fault in table.items() if isinstance(error, kind))
        raise Failed(fault, words(error)) from error


def words(error: Exception) -> str:
    """Return what an exception says, without its number and in one line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, TimeoutError):
        return "no answer in time"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
