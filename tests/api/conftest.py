"""The app behind Chalice's test client, with fakes for everything outside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from chalice.test import Client, HTTPResponse

from app import app
from chalicelib import wiring
from chalicelib.config import Settings
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import Profile
from chalicelib.services.accounts.api_keys import create_key
from chalicelib.services.calls.instructions import arrange, parse_wish
from chalicelib.tapping.lifecycle import TapCause
from chalicelib.tapping.model import TapQuality, TapRequest
from chalicelib.tapping.options import parse_tap
from tests.fake_signer import FakeSigner
from tests.fakes import FakeCore, FakeCounters, FakeEventBus, FakeTexts, FakeWorkflows
from tests.fakes_media import FakeMediaStore, FakeRenditionStore, FakeRenditionVersions
from tests.samples import T0, a_profile, later

PUBLIC_URL = "https://api.example.com/api"
SETTINGS = Settings(
    secret_id="keys", public_url_parameter="public-url", sink_url="wss://sink.example.com"
)
ROW_PORTS = (
    *("recordings", "taps", "history", "outbox", "receivers", "due_work", "calls", "call_life"),
    *("live_streams", "inbox", "leases", "mailbox", "profiles", "api_keys", "port_claims"),
    "retaps",
)
AT_US = round(later(5).timestamp() * 1_000_000)
"""when the worker carries out a command"""
KEYS = {"token_keys": ["6b" * 32], "webhook_secrets": ["whsec_QUJDREVGR0g="]}


class FakeWorker:
    """A worker that carries out what its mailbox has, while a caller waits."""

    def __init__(self, ports: wiring.Ports, name: str = "worker-1") -> None:
        self.is_deaf = False
        self.is_unaware = False
        """the call's last stream ended before the command came"""
        self.waited_s = 0.0
        self._ports = ports
        self._name = name

    def wait(self, seconds: float) -> None:
        """Let that time pass."""
        self.waited_s += seconds
        for command in [] if self.is_deaf else self._ports.mailbox.waiting(self._name):
            self._obey(command)
            self._ports.mailbox.remove(command)

    def _obey(self, command: Command) -> None:
        live, wanted = self._ports.live_recordings, command.recording_id
        if command.kind is CommandKind.PAUSE:
            live.pause(wanted, AT_US, command.behavior)
        elif command.kind is CommandKind.RESUME:
            live.resume(wanted, AT_US)
        elif command.kind is CommandKind.RECORD_CALL:
            live.begin(wanted, AT_US)
        elif command.kind is CommandKind.TAP:
            self._tap(command)
        elif command.claim is not None:
            self._ports.port_claims.open(command.claim)
        elif command.kind is CommandKind.STOP_TAP:
            tap = self._ports.taps.get(command.call_key, wanted)
            self._ports.live_taps.end(tap, TapCause.STOP, "stop", TapQuality(), command.at)
        else:
            is_discard = command.kind is CommandKind.DISCARD
            cause = Cause.DISCARD if is_discard else Cause.STOP
            self._ports.control.end_recording(wanted, cause, later(9))

    def _tap(self, command: Command) -> None:
        """Reach every destination but those of port 8443."""
        control_id, options = parse_tap(command.tap)
        request = TapRequest(
            call=self._ports.calls.get(command.call_key).ref,
            control_id=control_id or "",
            options=options,
            worker=self._name,
            at=command.at,
        )
        if self.is_unaware:
            return
        if "8443" in options.uri:
            self._ports.live_taps.refuse(request, "unreachable", command.at)
        else:
            is_rtp = options.uri.startswith("rtp")
            self._ports.live_taps.begin(request, *(("198.18.0.7", 20_000) if is_rtp else ("", 0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """What a test speaks to, and what stands behind it."""

    client: Client
    core: FakeCore
    workflows: FakeWorkflows
    renditions: FakeRenditionStore
    texts: FakeTexts
    headers: dict[str, str]
    """of a caller with the account's key"""
    worker: FakeWorker

    def get(self, path: str, headers: dict[str, str] | None = None) -> HTTPResponse:
        """GET as the account."""
        return self.client.http.get(path, headers=self.headers if headers is None else headers)

    def head(self, path: str, headers: dict[str, str] | None = None) -> HTTPResponse:
        """HEAD as the account; whatever is answered has no body."""
        given = self.headers if headers is None else headers
        response = self.client.http.request("HEAD", path, headers=given)
        assert b"" == response.body
        return response

    def send(self, method: str, path: str, body: object = None) -> HTTPResponse:
        """Send JSON as the account."""
        raw = b"" if body is None else json.dumps(body).encode()
        headers = {**self.headers, "Content-Type": "application/json"}
        return self.client.http.request(method, path, headers=headers, body=raw)

    def post_hook(
        self, path: str, body: object, headers: dict[str, str] | None = None
    ) -> HTTPResponse:
        """Post as a carrier does; bytes go as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        return self.client.http.post(path, headers=sent, body=raw)

    def hook(self, profile: Profile) -> str:
        """Store a profile and return the path of its hook."""
        self.core.profiles.create(profile)
        arranged = arrange(profile, parse_wish({}), wiring.ports().deployment(), T0)
        return arranged.hook_url.removeprefix(PUBLIC_URL)


@contextmanager
def an_api() -> Iterator[Api]:
    """Wire the app to fakes, for as long as the block runs."""
    core, workflows = FakeCore(), FakeWorkflows()
    renditions = FakeRenditionStore()
    texts = FakeTexts(**{"keys": json.dumps(KEYS), "public-url": PUBLIC_URL + "/"})
    ports: Any = wiring.Ports(SETTINGS)
    for name in ROW_PORTS:
        setattr(ports, name, getattr(core, name))
    ports.media = FakeMediaStore()
    ports.rendition_versions = FakeRenditionVersions(renditions)
    ports.workflows, ports.renditions, ports.event_bus = workflows, renditions, FakeEventBus()
    ports.secrets = ports.parameters = texts
    ports.signer, ports.counters = FakeSigner(), FakeCounters()
    worker = FakeWorker(ports)
    ports.commands = replace(ports.commands, wait=worker.wait)
    ports.endpoints = replace(ports.endpoints, wait=worker.wait)
    wiring.install(ports)
    key = create_key(core.api_keys, "main", T0, bytes)
    yield Api(
        client=Client(app),
        core=core,
        workflows=workflows,
        renditions=renditions,
        texts=texts,
        headers={"Authorization": f"Bearer {key.text}"},
        worker=worker,
    )
    wiring.uninstall()


@pytest.fixture
def api() -> Iterator[Api]:
    with an_api() as wired:
        yield wired


@pytest.fixture
def profile() -> Profile:
    return a_profile()


def error_of(response: HTTPResponse) -> tuple[int, str]:
    """Return an error answer's status and code; its shape is the documented one."""
    body = response.json_body
    assert {"error"} <= body.keys()
    assert {"code", "message"} == body["error"].keys()
    return response.status_code, body["error"]["code"]
