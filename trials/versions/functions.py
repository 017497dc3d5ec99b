"""Serves the API and the Lambda functions of the tree that it is run in, as one process.

    PYTHONPATH=<tree> python functions.py <port> [--at 2026-11-30T22:00:00+00:00]

It runs in the baseline's tree, too, so it knows nothing of `chalicelib`: only `app.py` and the
names of the functions that it registers, which Step Functions know as well.

`POST /_functions/{name}` with an event as JSON answers `{"returned": …}`, or status 500 with
`{"raised": …, "message": …}`. `POST /_clock` with a time moves the clock of a process that was
started with one. Every other request is the API's.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import threading
from contextlib import ExitStack
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
FUNCTIONS = "/_functions/"
CLOCK = "/_clock"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_MANY_BYTES = 10_000_000


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--at", type=datetime.fromisoformat, help="what time it is at the start")
    asked = parser.parse_args()
    with ExitStack() as stack:
        clock = None
        if asked.at is not None:
            import time_machine  # noqa: PLC0415  # only fixtures live in another time

            clock = stack.enter_context(time_machine.travel(asked.at, tick=True))
        ThreadingHTTPServer((HOST, asked.port), _request_class(Tree(clock))).serve_forever()


class Tree:
    """The API and the functions of the tree that this process runs in."""

    def __init__(self, clock: Any) -> None:
        sys.path[0] = str(Path.cwd())  # not this file's folder
        app = importlib.import_module("app").app
        self._client = importlib.import_module("chalice.test").Client(app, stage_name="api")
        self._clock = clock
        self._turn = threading.Lock()
        """Chalice keeps the request that it answers in the app"""

    def answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body."""
        with self._turn:
            if path.startswith(FUNCTIONS):
                status, said = _invoked(self._client, path.removeprefix(FUNCTIONS), body)
                return status, {"content-type": "application/json"}, json.dumps(said).encode()
            if path == CLOCK:
                self._clock.move_to(datetime.fromisoformat(body.decode()))
                return 204, {}, b""
            answered = self._client.http.request(method, path, headers=headers, body=body)
            return answered.status_code, dict(answered.headers), answered.body


def _request_class(tree: Tree) -> type[BaseHTTPRequestHandler]:
    class Request(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("content-length") or 0), _MANY_BYTES))
            status, headers, answer = tree.answer(self.command, self.path, dict(self.headers), body)
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "connection"):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its base's name
            """Say nothing."""

    for method in METHODS:
        setattr(Request, f"do_{method}", Request._answer)
    return Request


def _invoked(client: Any, name: str, body: bytes) -> tuple[int, dict[str, Any]]:
    try:
        answered = client.lambda_.invoke(name, json.loads(body or b"{}"))
    except Exception as error:  # noqa: BLE001  # as Lambda tells them: by class and message
        return 500, {"raised": type(error).__name__, "message": str(error)}
    return 200, {"returned": answered.payload}


if __name__ == "__main__":
    main()
