"""Receivers on loopback, each as badly behaved as its test wants it."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Answer = Callable[[socket.socket, Event], None]
"""Write an answer; the event says that the test is over."""


class Receiver:
    """A server that reads a request and leaves the rest to `answer`; it keeps what it read."""

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None, address: str) -> None:
        self._answer = answer
        self._tls = tls
        self._over = Event()
        self._listener = socket.create_server((address, 0))
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        self._server = Thread(target=self._serve, daemon=True)
        self._server.start()

    def close(self) -> None:
        """Listen no more: a socket lives on while somebody is blocked in its accept."""
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._server.join()
        self._listener.close()

    def head(self) -> list[str]:
        """Return the lines of the first request's head."""
        return self.requests[0].partition(b"\r\n\r\n")[0].decode().split("\r\n")

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                Thread(target=self._receive, args=(connection,), daemon=True).start()

    def _receive(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if self._tls is None:
                self._talk(connection)
            else:
                with self._tls.wrap_socket(connection, server_side=True) as encrypted:
                    self._talk(encrypted)

    def _talk(self, connection: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            if not (octets := connection.recv(65_536)):
                return
            request += octets
        head, _, body = request.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        while len(body) < length:
            body += connection.recv(65_536)
        self.requests.append(head + b"\r\n\r\n" + body)
        self._answer(connection, self._over)


@contextmanager
def receiver(
    answer: Answer, *, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1"
) -> Iterator[Receiver]:
    """Run a receiver for the length of a test."""
    server = Receiver(answer, tls, address)
    try:
        yield server
    finally:
        server.close()


def says(octets: bytes) -> Answer:
    """Answer these bytes and close."""
    return lambda connection, _: connection.sendall(octets)


def drips(octets: bytes, *, after: bytes = b"", every_s: float = 0.05) -> Answer:
    """Answer `after` at once, then a byte at a time."""

    def answer(connection: socket.socket, over: Event) -> None:
        connection.sendall(after)
        for octet in octets:
            if over.wait(every_s):
                return
            connection.sendall(bytes([octet]))

    return answer


def pours(octets: bytes, *, after: bytes = b"") -> Answer:
    """Answer `after`, then the same bytes again and again until nobody listens."""

    def answer(connection: socket.socket, over: Event) -> None:
        connection.sendall(after)
        while not over.is_set():
            connection.sendall(octets)

    return answer


def stays_silent(connection: socket.socket, over: Event) -> None:
    """Answer nothing and keep the connection."""
    over.wait(5)


def resets(connection: socket.socket, over: Event) -> None:
    """Answer with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def make_certificate(folder: Path, name: str) -> Path:
    """Write a self-signed certificate for a DNS name, with its key; return its file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file
