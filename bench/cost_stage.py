"""The whole recorder in one process, over moto: API, sink, state machines, sweeper.

All of it is what a deployment runs, adapters and SDK included; in place of Lambda and Step
Functions stand a function call and a walk through the ASL.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import uvloop
from botocore.session import get_session
from moto import mock_aws

from app import app
from bench import prices
from bench.cost_meter import REGION, Meter
from chalicelib import wiring
from chalicelib.api import tasks
from chalicelib.config import read_settings
from chalicelib.errors import DeliveryPostponed
from chalicelib.recording import keys
from chalicelib.recording.model import CallRef
from chalicelib.security.deployment_keys import parse_keys
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.worker import Worker, WorkerPorts
from infra.local.ports import HOST, choose_port
from infra.local.receiver import Callback, Receiver, receiving
from infra.paths import ROOT
from tests.adapters.dynamodb_world import INDEXES, create_table

SEED = "a bench's"
_SECRET = json.dumps({"seed": SEED})
_FUNCTIONS = {"Assemble": tasks.assemble, "Publish": tasks.publish, "Attempt": tasks.attempt}
_LONGEST_WAIT_S = 5
"""a callback waits for its turn, not for another attempt: nothing fails here"""
_MEMORY_GB = {"Assemble": 1769 / 1024, "Publish": 0.5, "Attempt": 0.5}


@dataclass(slots=True, kw_only=True)
class Executions:
    """The port Workflows: walks through the ASL files, once for each name."""

    meter: Meter
    _names: set[str] = field(default_factory=set)
    _running: list[Future[None]] = field(default_factory=list)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(8))

    def start_finalization(self, recording_id: str, attempt: int) -> None:
        """Assemble, then publish."""
        state = {"recording_id": recording_id, "attempt": attempt}
        self._start("finalization", keys.finalization_name(recording_id, attempt), state)

    def start_delivery(self, recording_id: str, webhook_id: str, round_: int) -> None:
        """Deliver one status callback."""
        state = {"recording_id": recording_id, "webhook_id": webhook_id, "round": round_}
        self._start("delivery", keys.delivery_name(webhook_id, round_), state)

    def start_retaps(self, worker: str, renewals: int) -> None:
        """Start nothing: no worker dies here."""

    def start_inquiry(self, call: CallRef, stream_key: str, *, worker: str, number: int) -> None:
        """Start nothing: no stream is silent here."""

    def finish(self) -> None:
        """Return when none runs; raise what one raised."""
        while self._running:
            self._running.pop(0).result()

    def _start(self, machine: str, name: str, state: dict[str, Any]) -> None:
        if name not in self._names:
            self._names.add(name)
            self._running.append(self._pool.submit(self._walk, machine, state))

    def _walk(self, machine: str, state: dict[str, Any]) -> None:
        """Enter state after state; the last transition is the one to the end."""
        asl = json.loads((ROOT / "infra" / f"{machine}.asl.json").read_text())
        name, entered, wait_s = asl["StartAt"], 1, 0.0
        while name:
            here, entered = asl["States"][name], entered + 1
            if here["Type"] == "Wait":
                time.sleep(wait_s)
                name = here["Next"]
                continue
            try:
                state = state | {"assembled": self._invoke(name, state)}
                name = here.get("Next", "")
            except DeliveryPostponed as postponed:
                wait_s = json.loads(str(postponed))["wait_seconds"]
                if wait_s > _LONGEST_WAIT_S:
                    raise RuntimeError(f"{machine} {state} waits {wait_s} s") from None
                name = here["Catch"][0]["Next"]
        self.meter.add(prices.TRANSITION, machine, entered)

    def _invoke(self, name: str, state: dict[str, Any]) -> dict[str, Any]:
        begun, spared = time.thread_time(), self.meter.stand_in_s()
        try:
            result: dict[str, Any] = _FUNCTIONS[name](state, None)
            return result
        finally:
            own_s = time.thread_time() - begun - (self.meter.stand_in_s() - spared)
            self.meter.add(prices.INVOCATION, name)
            # CPU grows with memory: what takes a second of one core takes two with half of it.
            self.meter.add(prices.GB_SECOND, name, own_s * _MEMORY_GB["Assemble"])


class Stage:
    """A deployed recorder with one worker."""

    def __init__(self, meter: Meter, receiver: Receiver, told: Counter[str]) -> None:
        self.meter, self.receiver, self._told = meter, receiver, told
        self.ports = wiring.install(wiring.Ports(_settings()))
        self.sink_port = 0
        self.executions = Executions(meter=meter)
        self.ports.workflows = self.executions
        self._app_lock = threading.Lock()

    @property
    def finished(self) -> int:
        """Count the recordings that the customer was told are finished."""
        return self._told["finished"]

    def post(self, path: str, body: bytes) -> int:
        """Let the API take a webhook in; return the status."""
        _, _, hook, token = path.rsplit("/", 3)
        event = {
            "headers": {"content-type": "application/json", "host": "api.example.com"},
            "multiValueQueryStringParameters": None,
            "pathParameters": {"token": token},
            "requestContext": {
                "httpMethod": "POST",
                "resourcePath": f"/hooks/{hook}/{{token}}",
                "requestId": "r",
            },
            "body": body.decode(),
            "isBase64Encoded": False,
            "stageVariables": None,
        }
        with self._app_lock:
            begun, spared = time.thread_time(), self.meter.stand_in_s()
            status: int = app(event, SimpleNamespace(aws_request_id="r"))["statusCode"]
            own_s = time.thread_time() - begun - (self.meter.stand_in_s() - spared)
        self.meter.add(prices.API_REQUEST, "webhook")
        self.meter.add(prices.INVOCATION, "APIHandler")
        self.meter.add(prices.GB_SECOND, "APIHandler", own_s * _MEMORY_GB["Assemble"])
        return status

    def sweep(self, later: timedelta = timedelta()) -> Mapping[str, int]:
        """Sweep, as if it were later."""
        return replace(self.ports.sweeper, now=lambda: datetime.now(UTC) + later).sweep()

    @contextmanager
    def worker(self, limits: Limits) -> Iterator[None]:
        """Run a sink until the block ends."""
        ports, ready = self.ports, threading.Event()
        outside = WorkerPorts(
            control=ports.control,
            live_recordings=ports.live_recordings,
            live_taps=ports.live_taps,
            mailbox=ports.mailbox,
            port_claims=ports.port_claims,
            leases=ports.leases,
            store=ports.sink_media,
            dead_workers=ports.dead_workers,
            token_keys=ports.token_keys,
            url_policy=ports.settings.url_policy,
        )
        sink = Worker("20261120T000000-00bench000", outside, limits)
        loop = uvloop.new_event_loop()

        async def live() -> None:
            self.sink_port = await sink.start(HOST, 0)
            ready.set()
            await sink.run()

        thread = threading.Thread(target=lambda: loop.run_until_complete(live()))
        thread.start()
        try:
            if not ready.wait(30):
                raise SystemExit("the sink didn't start")
            yield
        finally:
            loop.call_soon_threadsafe(sink.stop)
            thread.join()


@contextmanager
def staged() -> Iterator[Stage]:
    """Deploy a recorder into an AWS of its own."""
    with ExitStack() as stack:
        stack.enter_context(mock_aws())
        session = get_session()
        session.set_credentials("test", "test")
        session.set_config_variable("region", REGION)
        boto3.setup_default_session(botocore_session=session)
        _create_resources()
        secrets = parse_keys(_SECRET).webhook_secrets
        told: Counter[str] = Counter()

        def tell(callback: Callback) -> None:
            told[callback.state] += 1

        receiver = stack.enter_context(receiving(choose_port(""), secrets, tell))
        meter = Meter()
        meter.watch(session)
        yield Stage(meter, receiver, told)


def _settings() -> Any:
    return read_settings(
        {
            "TAPEDECK_CORE_TABLE": "core",
            "TAPEDECK_HOT_TABLE": "hot",
            "TAPEDECK_MEDIA_BUCKET": "media",
            "TAPEDECK_RECORDINGS_BUCKET": "finished",
            "TAPEDECK_EVENT_BUS": "default",
            "TAPEDECK_SECRET_ID": "keys",
            "TAPEDECK_SIGNING_KEY_ID": "alias/signing",
            "TAPEDECK_PUBLIC_URL_PARAMETER": "url",
            "TAPEDECK_SINK_URL": "wss://sink.example.com",
            "TAPEDECK_ALLOW_HTTP": "1",
            "TAPEDECK_ALLOWED_NETWORKS": "127.0.0.0/8",
            "TAPEDECK_ALLOWED_PORTS": "*",
            "TAPEDECK_RUN_DIR": str(Path("/tmp")),  # noqa: S108  # nothing is spooled here
        }
    )


def _create_resources() -> None:
    dynamodb = boto3.client("dynamodb")
    create_table(dynamodb, "core", INDEXES)
    create_table(dynamodb, "hot", ())
    for bucket in ("media", "finished"):
        boto3.client("s3").create_bucket(Bucket=bucket)
    boto3.client("secretsmanager").create_secret(Name="keys", SecretString=_SECRET)
    boto3.client("ssm").put_parameter(
        Name="url",
        Value="https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/api",
        Type="String",
    )
    kms = boto3.client("kms")
    made = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    kms.create_alias(AliasName="alias/signing", TargetKeyId=made["KeyId"])
