"""The hook's cost: `python -m bench.hook [--deployed]`.

Import: CPU of `import app` and of the first database client, each in a fresh interpreter. Events:
Chalice's handler for documented webhooks, with stores in memory, and with the real adapters over
the real SDK whose network is replaced by canned answers, which come at once or after 10 ms each.
`--deployed` posts webhooks to the real stack in a local AWS besides, and ones that are refused
without a look at the database; it writes TRUST's row 15.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter, process_time, sleep
from types import SimpleNamespace
from typing import Any

from app import app
from bench import trust
from chalicelib import wiring
from chalicelib.adapters.dynamodb.row_codec import to_row
from chalicelib.api.log import logger
from chalicelib.config import read_settings
from chalicelib.recording.model import Profile, RecordOptions
from chalicelib.security import tokens
from chalicelib.security.tokens import TokenKind

RUNS = 7
EVENTS = 300
IMPORT_LIMIT_MS = 500
"""TRUST 1, row 15: with boto3 and a client"""
ANSWER_LIMIT_MS = 80
"""TRUST 1, row 15: p50, of a function that is warm"""
DATABASE_MS = 10.0
"""of each request: AWS says "single-digit milliseconds" of DynamoDB"""

_KEY = b"k" * 32
_TEXTS = {
    "our-keys": json.dumps({"token_keys": [_KEY.hex()]}),
    "our-url": "https://api.example.com/api",
}
_SETTINGS = read_settings(
    {
        "TAPEDECK_CORE_TABLE": "core",
        "TAPEDECK_HOT_TABLE": "hot",
        "TAPEDECK_SECRET_ID": "our-keys",
        "TAPEDECK_PUBLIC_URL_PARAMETER": "our-url",
        "TAPEDECK_SINK_URL": "wss://sink",
    }
)
_SNIPPETS = {
    "python alone": "pass",
    "boto3 and a DynamoDB client": "import boto3; boto3.client('dynamodb')",
    "app.py": "import app",
    "app.py, boto3 and a DynamoDB client": (
        "import app; from chalicelib import wiring; wiring.ports().profiles"
    ),
}


def main() -> int:
    """Print the figures; 1 where a limit is passed."""
    parser = argparse.ArgumentParser(prog="python -m bench.hook")
    parser.add_argument("--deployed", action="store_true", help="in a local AWS as well")
    asked = parser.parse_args()
    print(f"hook: Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
    _write_the_log_elsewhere()
    imports = {name: _import_ms(code) for name, code in _SNIPPETS.items()}
    for name, ms in imports.items():
        print(f"  import, {name:36} {ms:7.0f} ms CPU (median of {RUNS})")
    for name, install in (("stores in memory", _in_memory), ("real SDK, no network", _over_sdk)):
        install()
        print(f"  event, {name:37} {_event_ms():7.2f} ms CPU (mean of {EVENTS})")
    _over_sdk(DATABASE_MS / 1000)
    answered_ms = _answered_ms()
    print(f"  event, a database of {DATABASE_MS:.0f} ms{answered_ms:27.0f} ms (p50 of {EVENTS})")
    import_ms = imports["app.py, boto3 and a DynamoDB client"]
    is_good = import_ms <= IMPORT_LIMIT_MS and answered_ms <= ANSWER_LIMIT_MS
    if asked.deployed:
        from bench.deployed_hook import measure  # noqa: PLC0415  # wants the local AWS

        posted_ms, alone_ms = measure(_webhook, EVENTS)
        print(f"  event, local AWS {posted_ms:34.0f} ms (p50), a refused one {alone_ms:.0f} ms")
        figure = (
            f"p50 {answered_ms:.0f} ms in the function with a database that takes"
            f" {DATABASE_MS:.0f} ms a request; {posted_ms:.0f} ms through a local AWS, where one"
            f" that is refused takes {alone_ms:.0f}; import with boto3 and a client"
            f" {import_ms:.0f} ms of CPU"
        )
        if is_good:
            trust.note(15, "webhook answered", "make hook", figure)
    return 0 if is_good else 1


def _write_the_log_elsewhere() -> None:
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(io.StringIO())


def _import_ms(code: str) -> float:
    told = f"import time\n{code}\nprint(time.process_time())"
    environment = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "TAPEDECK_CORE_TABLE": "core"}
    return 1000 * statistics.median(
        float(
            subprocess.run(
                [sys.executable, "-c", told],
                env=environment,
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        for _ in range(RUNS)
    )


def _event_ms() -> float:
    requests = list(_requests(EVENTS + 1))
    context = SimpleNamespace(aws_request_id="r-1")
    app(requests.pop(), context)  # clients and caches are made at the first
    begun = process_time()
    statuses = {app(request, context)["statusCode"] for request in requests}
    took = process_time() - begun
    if statuses != {204}:
        raise SystemExit(f"the hook answered {statuses}")
    return 1000 * took / EVENTS


def _answered_ms() -> float:
    """Return how long the handler takes, database and all."""
    context, times = SimpleNamespace(aws_request_id="r-1"), []
    for request in _requests(EVENTS + 1):
        begun = perf_counter()
        app(request, context)
        times.append(1000 * (perf_counter() - begun))
    return statistics.median(times[1:])


def _requests(count: int) -> Iterator[dict[str, Any]]:
    """Yield API Gateway's events of calls whose stream starts and stops."""
    expires_at = datetime.now(UTC) + timedelta(days=1)
    token = tokens.issue([_KEY], TokenKind.PROFILE, "main", "front", expires_at)
    for number in range(count):
        state = ("mediaStreamStarted", "mediaStreamStopped")[number % 2]
        body = json.dumps(_webhook(number // 2, state))
        yield {
            "headers": {"content-type": "application/json", "host": "api.example.com"},
            "multiValueQueryStringParameters": None,
            "pathParameters": {"token": token},
            "requestContext": {
                "httpMethod": "POST",
                "resourcePath": "/hooks/bandwidth/{token}",
                "requestId": f"r-{number}",
            },
            "body": body,
            "isBase64Encoded": False,
            "stageVariables": None,
        }


def _webhook(number: int, event_type: str) -> dict[str, Any]:
    return {
        "accountId": "55555555",
        "applicationId": "7fc9698a-b04a-468b-9e8f-91238c0d0086",
        "callId": f"c-95ac912f-68aacdd7-{number:012}",
        "direction": "outbound",
        "eventTime": "2022-06-30T18:55:02.489Z",
        "eventType": event_type,
        "from": "+15551112222",
        "mediaStream": {
            "destination": "wss://sink/bandwidth/x",
            "id": f"s-95ac90b3-bfc81595-{number:012}",
            "name": "example_stream",
            "startTime": "2022-06-30T18:55:02.489Z",
            "tracks": ["inbound", "outbound"],
            "type": "WebSocket",
        },
        "tag": "vip",
        "to": "+15553334444",
    }


def _profile() -> Profile:
    return Profile(
        account="main",
        name="front",
        dialect="bandwidth",
        carrier="bandwidth",
        record_call=RecordOptions(),
        created_at=datetime.now(UTC),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Texts:
    """Secrets and parameters at hand."""

    def get(self, name: str) -> str:
        return _TEXTS[name]


def _in_memory() -> None:
    from tests.fakes import FakeCore  # noqa: PLC0415  # a bench may lean on the tests' fakes

    core = FakeCore()
    core.profiles.create(_profile())
    ports: Any = _ports()
    ports.profiles, ports.calls, ports.inbox = core.profiles, core.calls, core.inbox
    ports.recordings, ports.port_claims = core.recordings, core.port_claims
    wiring.install(ports)


def _over_sdk(takes_s: float = 0.0) -> None:
    import boto3  # noqa: PLC0415  # what `import app` costs is measured without it
    from botocore.session import get_session  # noqa: PLC0415

    session = get_session()
    rows = {("ACCOUNT#main", "PROFILE#front"): to_row(_profile())}
    session.register("before-send.dynamodb", _answering(rows, takes_s))
    boto3.setup_default_session(botocore_session=session)
    wiring.install(_ports())


def _ports() -> wiring.Ports:
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "bench")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "bench")
    ports = wiring.Ports(_SETTINGS)
    ports.secrets = ports.parameters = _Texts()
    return ports


def _answering(rows: dict[tuple[str, str], dict[str, Any]], takes_s: float) -> Callable[..., Any]:
    """Return what stands in for DynamoDB: known rows are found, every write succeeds."""
    from botocore.awsrequest import AWSResponse  # noqa: PLC0415  # not a part of the imports above

    from chalicelib.adapters.dynamodb.row_codec import marshal  # noqa: PLC0415

    def answer(request: Any, **_: Any) -> AWSResponse:
        sleep(takes_s)
        operation = request.headers["X-Amz-Target"].decode().partition(".")[2]
        asked = json.loads(request.body)
        told: dict[str, Any] = {}
        if operation == "Query":
            told = {"Items": [], "Count": 0, "ScannedCount": 0}
        elif operation == "GetItem":
            key = (asked["Key"]["pk"]["S"], asked["Key"]["sk"]["S"])
            told = {"Item": marshal(rows[key])} if key in rows else {}
        body = json.dumps(told).encode()
        headers = {"content-type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, 200, headers, _Raw(body))

    return answer


class _Raw:
    """An HTTP body that has arrived."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._body


if __name__ == "__main__":
    sys.exit(main())
