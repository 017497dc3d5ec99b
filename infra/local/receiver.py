"""A `status_url` of a customer: stores every status callback, and verifies who signed it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from infra.local.failures import RunFailed
from infra.local.ports import HOST

_MOST_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """One status callback, as it came."""

    webhook_id: str
    is_signed: bool
    """its Standard Webhooks signature verifies"""
    body: dict[str, Any]

    @property
    def call_id(self) -> str:
        return str(self.body.get("params", {}).get("call_id", ""))

    @property
    def state(self) -> str:
        return str(self.body.get("params", {}).get("state", ""))


class Receiver:
    """Keeps callbacks in the order of their arrival."""

    def __init__(self, port: int, secrets: Sequence[str], on_arrival: Callable[[Callback], None]):
        self.url = f"http://{HOST}:{port}/status"
        self._verifiers = [Webhook(secret) for secret in secrets]
        self._on_arrival = on_arrival
        self._lock = threading.Lock()
        self._callbacks: list[Callback] = []

    def receive(self, headers: dict[str, str], body: bytes) -> None:
        """Store one. Raises ValueError for a body that is no JSON object."""
        read = json.loads(body)
        if not isinstance(read, dict):
            raise ValueError("a callback's body is a JSON object")
        callback = Callback(
            webhook_id=headers.get("webhook-id", ""),
            is_signed=self._is_signed(headers, body),
            body=read,
        )
        with self._lock:
            self._callbacks.append(callback)
            self._on_arrival(callback)

    def of_call(self, call_id: str) -> list[Callback]:
        """Return a call's callbacks, in the order of their arrival."""
        with self._lock:
            return [callback for callback in self._callbacks if callback.call_id == call_id]

    def all(self) -> list[Callback]:
        """Return every callback, in the order of their arrival."""
        with self._lock:
            return list(self._callbacks)

    def _is_signed(self, headers: dict[str, str], body: bytes) -> bool:
        for verifier in self._verifiers:
            try:
                verifier.verify(body, headers)
            except WebhookVerificationError:
                continue
            return True
        return False


@contextmanager
def receiving(
    port: int, secrets: Sequence[str], on_arrival: Callable[[Callback], None]
) -> Iterator[Receiver]:
    """Serve a receiver until the block ends."""
    receiver = Receiver(port, secrets, on_arrival)
    try:
        server = ThreadingHTTPServer((HOST, port), _request_class(receiver))
    except OSError as error:
        raise RunFailed(f"The receiver can't listen on port {port}: {error.strerror}.") from error
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _request_class(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Request(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            size = int(length) if length.isdigit() else _MOST_BYTES + 1
            if size > _MOST_BYTES:
                self._answer(413)
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                receiver.receive(headers, self.rfile.read(size))
            except ValueError:
                self._answer(400)
                return
            self._answer(204)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its base's name
            """Say nothing: the run prints what arrives."""

    return Request
