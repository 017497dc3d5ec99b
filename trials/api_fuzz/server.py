"""The app with fakes behind it, over HTTP on a free port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import ClassVar

from chalice.test import HTTPResponse

from chalicelib import wiring
from tests.api.conftest import Api, an_api
from tests.api.test_about import fill
from tests.services.calls.test_rtp_endpoints import a_lease

_USUAL = {"content-type": "application/json"}
"""what API Gateway says where a Lambda doesn't"""
_NOT_THERE = b'{"message":"Missing Authentication Token"}'
"""API Gateway's answer to a method that has no route"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Where the app answers, and the key that it takes."""

    url: str
    authorization: str


@contextmanager
def served() -> Iterator[Served]:
    """Serve an app that has calls, recordings, a profile and a worker."""
    with an_api() as api:
        fill(api)
        for_ever = wiring.ports().endpoints.now() + timedelta(days=1)
        api.core.leases.renew(a_lease("worker-1", renewed_at=for_ever, rtp_last=65_535))
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("_", (Answering,), {"api": api}))
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Served(
                url=f"http://127.0.0.1:{server.server_address[1]}",
                authorization=api.headers["Authorization"],
            )
        finally:
            server.shutdown()
            server.server_close()


class Answering(BaseHTTPRequestHandler):
    """Hands requests to the app as the gateway does; OPTIONS never gets past it."""

    protocol_version = "HTTP/1.1"
    api: ClassVar[Api]
    one_at_a_time = Lock()

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Return the answer to whatever method."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.command == "OPTIONS":
            self._send(HTTPResponse(body=_NOT_THERE, headers={}, status_code=403))
            return
        with self.one_at_a_time:
            response = self.api.client.http.request(
                self.command, self.path, headers=dict(self.headers.items()), body=body
            )
        self._send(response)

    def _send(self, response: HTTPResponse) -> None:
        whole = bytes(response.body)
        headers = _USUAL | {name.lower(): value for name, value in response.headers.items()}
        self.send_response(response.status_code)
        for name, value in (headers | {"content-length": str(len(whole))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(whole)
