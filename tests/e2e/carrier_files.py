"""A carrier's host: it holds recordings behind HTTP Basic, and sends some elsewhere."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from infra.local.ports import HOST

USERNAME, PASSWORD = "project-1", "PT-secret"
_AUTHORIZATION = "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What lies at a path."""

    body: bytes = b""
    statuses: tuple[int, ...] = (200,)
    """of the answers, in order; the last one is every further one's"""
    location: str = ""
    is_public: bool = False


@dataclass
class CarrierFiles:
    """A running host."""

    url: str
    held: dict[str, Held] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """path and credentials of each request"""

    def answer(self, path: str, authorization: str) -> tuple[int, Held]:
        """Return the status of a request's answer, and what it holds."""
        self.asked.append((path, authorization))
        held = self.held.get(path)
        if held is None:
            return 404, Held()
        if not held.is_public and authorization != _AUTHORIZATION:
            return 401, Held()
        times = sum(asked == path for asked, _ in self.asked)
        return held.statuses[min(times, len(held.statuses)) - 1], held

    def credentials_of(self, path: str) -> list[bool]:
        """Tell of each request for a path whether it had the credentials."""
        return [said == _AUTHORIZATION for asked, said in self.asked if asked == path]


@contextmanager
def carrier_files() -> Iterator[CarrierFiles]:
    """Run a host until the block ends."""
    host = CarrierFiles(url="")

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, held = host.answer(self.path, self.headers.get("Authorization", ""))
            body = held.body if status == 200 else b""
            self.send_response(status)
            if held.location:
                self.send_header("Location", held.location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, 0), Door)
    host.url = f"http://{HOST}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
