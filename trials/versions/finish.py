"""Brings what a fixture holds to its end, by one version's sweeper and functions."""

from __future__ import annotations

import hashlib
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from infra.local.aws import LocalAws
from infra.local.customer import Customer
from infra.local.ports import choose_port
from infra.local.receiver import Callback, Receiver, receiving
from trials.versions.cloud import Cloud, make_cloud, webhook_secrets_of_seed
from trials.versions.executions import Executions
from trials.versions.fixture import RECEIVER, Fixture
from trials.versions.version import Functions, Version

_KIND = re.compile(r"^\w+", re.MULTILINE)
"""of an execution that failed"""

SWEEPS = (timedelta(seconds=30), timedelta(minutes=5), timedelta(minutes=12))
"""after the recording: the worker is found dead and its calls end; the callbacks whose execution
died with it start; an erasure that was ripe is over"""


PUBLIC_URL = "https://recorder.example/api"
"""in the place of the API's address"""


@dataclass(frozen=True, kw_only=True)
class Finishing:
    """A fixture in a cloud, and the version that sees to it."""

    fixture: Fixture
    cloud: Cloud
    functions: Functions
    customer: Customer
    receiver: Receiver
    executions: Executions

    def sweep(self, after: timedelta) -> dict[str, int]:
        """Sweep so long after the recording, and run what that starts; return what was done."""
        self.functions.move_clock(self.fixture.recorded_at + after)
        done: dict[str, int] = self.functions.invoke("sweep", {})
        while self.executions.run_started():
            continue
        return done

    def answers(self) -> dict[str, Any]:
        """Return what the API answers now."""
        return normal(answers(self.customer), self.receiver.url, PUBLIC_URL)

    def links(self) -> dict[str, int]:
        """Return how the paths are answered that were handed out."""
        links = self.fixture.read("links")
        return {name: opens(self.customer, path) for name, path in links.items()}

    def ended(self) -> dict[str, Any]:
        """Return what came of everything."""
        return {
            "recordings": [_outcome(one) for one in listed(self.customer)],
            "audio": _sums(self.cloud.objects("recordings")),
            "callbacks": _told(self.receiver.all()),
            "media_left": sorted(key for key, _ in self.cloud.objects("media")),
            "failures": sorted(_KIND.findall("\n".join(self.executions.failures))),
        }


@contextmanager
def finishing(
    aws: LocalAws, version: Version, fixture: Fixture, folder: Path
) -> Iterator[Finishing]:
    """Put a fixture into a cloud of its own, half a minute after it was recorded."""
    cloud = make_cloud(aws, f"{version.name}-{folder.name}".replace("_", "-"))
    begins_at = fixture.recorded_at + SWEEPS[0]
    with (
        receiving(choose_port(""), webhook_secrets_of_seed(), lambda _: None) as receiver,
        version.functions(cloud, folder, at=begins_at) as functions,
    ):
        fixture.load(cloud, receiver.url)
        cloud.set_public_url(PUBLIC_URL)
        yield Finishing(
            fixture=fixture,
            cloud=cloud,
            functions=functions,
            customer=Customer(api_url=functions.url, key=version.make_key(cloud)),
            receiver=receiver,
            executions=Executions(cloud, lambda machine, given: functions),
        )


def finish(aws: LocalAws, version: Version, fixture: Fixture, folder: Path) -> dict[str, Any]:
    """Return what a version answers of a fixture as it is, and what comes of it."""
    with finishing(aws, version, fixture, folder) as seen:
        at_once = {"answers": seen.answers(), "links": seen.links()}
        for after in SWEEPS:
            seen.sweep(after)
        return {**at_once, **seen.ended()}


def listed(customer: Customer) -> list[dict[str, Any]]:
    """Return all recordings of an account, newest first."""
    found: list[dict[str, Any]] = customer.get("/v1/recordings?limit=100")["recordings"]
    return found


def answers(customer: Customer) -> dict[str, Any]:
    """Return what the API answers of everything that an account has, by path."""
    profiles = customer.get("/v1/profiles")
    calls = customer.get("/v1/calls?limit=100")
    told: dict[str, Any] = {"/v1/profiles": profiles, "/v1/calls": calls}
    paths = [f"/v1/profiles/{one['name']}" for one in profiles["profiles"]]
    paths += [f"/v1/calls/{one['call_id']}" for one in calls["calls"]]
    for one in listed(customer):
        paths += [f"/v1/recordings/{one['recording_id']}"]
        paths += [f"/v1/recordings/{one['recording_id']}/events"]
    return told | {path: customer.get(path) for path in paths}


def normal(told: dict[str, Any], receiver_url: str, public_url: str) -> dict[str, Any]:
    """Return answers without the addresses of one run."""
    text = json.dumps(told).replace(receiver_url, RECEIVER).replace(public_url, PUBLIC_URL)
    normal: dict[str, Any] = json.loads(text)
    return normal


def opens(customer: Customer, path: str) -> int:
    """Return the status with which a path that was handed out is answered."""
    method = "POST" if path.startswith("/hooks/") else "GET"
    request = urllib.request.Request(
        customer.api_url + path, data=b"{}" if method == "POST" else None, method=method
    )
    try:
        with urllib.request.build_opener(_Unled).open(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


class _Unled(urllib.request.HTTPRedirectHandler):
    """Follows nothing."""

    def redirect_request(self, *_: object) -> None:
        """Return nothing: the redirect is the answer."""


def _outcome(recording: Mapping[str, Any]) -> dict[str, Any]:
    """Return what doesn't depend on when a recording was brought to its end."""
    told = ("call_id", "control_id", "state", "reason", "note", "gaps", "quality", "source")
    made = [[one["format"], one["duration"]] for one in recording["renditions"]]
    return {**{name: recording[name] for name in told}, "renditions": made}


def _sums(objects: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Return the SHA-256 of each WAV; what another encoder makes may differ."""
    return {key: hashlib.sha256(body).hexdigest() for key, body in objects if key.endswith("wav")}


def _told(callbacks: Sequence[Callback]) -> dict[str, list[str]]:
    """Return the states that callbacks told, by call and control id; the same one came twice only
    under one id."""
    told: dict[str, dict[str, str]] = {}
    for one in callbacks:
        params = one.body["params"]
        name = f"{params['call_id']} {params['control_id']}"
        told.setdefault(name, {})[one.webhook_id] = one.state
    return {name: [states[one] for one in sorted(states)] for name, states in told.items()}
