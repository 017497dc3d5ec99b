"""Everything local, as `make run` starts it, for tests to play calls on."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any
from urllib.parse import urlsplit

import boto3

from infra.local.aws import DeployedStack, DeployParameters, LocalAws, deploy
from infra.local.customer import Customer, find_recording, make_customer
from infra.local.ports import HOST, choose_port
from infra.local.receiver import Receiver, receiving
from infra.local.secret import webhook_secrets
from infra.local.sink import running_sink

SHARED_SECRET = "tapedeck/e2e-shared"
"""of account main; account sales may use it, too"""

ENDED = ("finished", "error", "no_input")


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A sink process."""

    process: Popen[bytes]
    port: int
    log: Path

    def at(self, stream_url: str) -> str:
        """Return a stream URL that leads to this worker."""
        return f"ws://{HOST}:{self.port}{urlsplit(stream_url).path}"


@contextmanager
def staged(aws: LocalAws, folder: Path) -> Iterator[Stage]:
    """Deploy a recorder; waits of the Delivery schedule are a tenth of what they are."""
    parameters = DeployParameters(
        sink_url="ws://127.0.0.1:9",
        carrier_hosts="127.0.0.1",
        shared_credentials=f"sales:{SHARED_SECRET}",
        wait_scale="0.1",
    )
    stack = deploy(aws, parameters)
    port, secrets = choose_port("E2E_RECEIVER_PORT"), webhook_secrets(aws, stack)
    with receiving(port, secrets, lambda _: None) as receiver:
        customer = make_customer(stack, aws.tools.python)
        yield Stage(aws=aws, stack=stack, customer=customer, receiver=receiver, folder=folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A deployed recorder, a customer and the receiver of the customer's callbacks."""

    aws: LocalAws
    stack: DeployedStack
    customer: Customer
    receiver: Receiver
    folder: Path
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    names: Counter[str] = field(default_factory=Counter)

    def fresh(self, name: str) -> str:
        """Return a name that nothing on this stage has had: for each further try of a test another
        one, because a call that went wrong stays, with all that is stored of it."""
        self.names[name] += 1
        count = self.names[name]
        return name if count == 1 else f"{name}-{count}"

    @contextmanager
    def worker(self, name: str, port: int, environment: Mapping[str, str]) -> Iterator[Worker]:
        """Run a sink until the block ends."""
        folder = self.folder / self.fresh(f"worker-{name}")
        own = {**self.stack.environment, **environment}
        with running_sink(self.aws.tools.python, port, folder, own) as process:
            yield Worker(process=process, port=port, log=folder / "sink.log")

    def instructions(self, dialect: str, **record_call: object) -> dict[str, Any]:
        """Return the instructions of a profile that records so; made when first asked for."""
        spelled = "-".join(f"{key}-{value}" for key, value in sorted(record_call.items()))
        name = f"{dialect}-{spelled}".lower().replace("_", "-").rstrip("-")
        if name not in self.profiles:
            body = {"dialect": dialect, "record_call": record_call}
            self.profiles[name] = self.make_profile(name, **body, status_url=self.receiver.url)
        return self.profiles[name]

    def make_profile(self, name: str, **facts: object) -> dict[str, Any]:
        """Make a profile of that name, or of a fresh one; return its instructions."""
        fresh = self.fresh(name)
        self.customer.post("/v1/profiles", {"name": fresh, **facts})
        return self.customer.get(f"/v1/profiles/{fresh}/instructions")

    def recording(self, call_id: str) -> dict[str, Any]:
        """Return a call's newest recording; empty while there is none."""
        return find_recording(self.customer, call_id) or {}

    def await_ended(self, call_id: str, within_s: float) -> dict[str, Any]:
        """Return a call's recording when it and its last callback have ended, or as it then is."""
        until(lambda: self._has_ended(call_id), within_s)
        return self.recording(call_id)

    def sweep(self) -> None:
        """Run the sweeper now; the schedule would within a minute."""
        client = boto3.client("lambda", **self.aws.client_options)
        names = [function["FunctionName"] for function in client.list_functions()["Functions"]]
        name = next(name for name in names if "sweep" in name.lower())
        answer = client.invoke(FunctionName=name, Payload=json.dumps({}).encode())
        assert "FunctionError" not in answer, answer["Payload"].read()

    def _has_ended(self, call_id: str) -> bool:
        states = [callback.state for callback in self.receiver.of_call(call_id)]
        return bool(states) and states[-1] in ENDED and self.recording(call_id)["state"] in ENDED


def until(is_so: Callable[[], bool], within_s: float, every_s: float = 0.5) -> bool:
    """Wait until something is so; tell whether it came to be."""
    deadline = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True
