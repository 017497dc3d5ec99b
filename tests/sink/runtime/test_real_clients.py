"""The real clients under the sink's threads."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chalicelib.adapters.s3.buckets import SINK_CONFIG
from chalicelib.config import Settings
from chalicelib.sink.runtime.limits import Limits
from chalicelib.wiring import Ports

ASKING = Limits().control_threads + 1
"""and the lease"""


class MeetingPoint(ThreadingHTTPServer):
    """Answers only after all requests have come, so that each needs its own connection."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.met = threading.Barrier(ASKING, timeout=20)


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: MeetingPoint

    def do_POST(self) -> None:
        """Answer as SSM does."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.met.wait()
        body = json.dumps({"Parameter": {"Value": "v"}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        """Say nothing."""


@contextmanager
def meeting_point() -> Iterator[MeetingPoint]:
    """Run the server for the length of a test."""
    with MeetingPoint() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def test_no_connection_is_thrown_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """When every thread asks at once, each keeps its connection for its next question."""

    caplog.set_level(logging.WARNING)
    with meeting_point() as server:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }.items():
            monkeypatch.setenv(name, value)
        parameters = Ports(Settings()).parameters
        with ThreadPoolExecutor(ASKING) as threads:
            values = list(threads.map(parameters.get, map(str, range(ASKING))))

    assert ["v"] * ASKING == values
    assert [] == [record.getMessage() for record in caplog.records]


def test_the_writer_s_client_has_a_connection_for_each_of_its_threads() -> None:
    """Journal and segments are stored through one client."""

    limits = Limits()

    assert limits.journal_puts + limits.segment_puts <= SINK_CONFIG.max_pool_connections
