"""`python -m trials.versions.record`: let the baseline write a fixture of all that it writes.

Its processes record calls of every outcome in a local AWS and are killed in the midst of three.
Then everything in there is written down with its meaning, as `programs/`, run in its tree, read it.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from websockets.asyncio.server import serve

from chalicelib.capture.events import Encoding
from infra.local.aws import DeployedStack, LocalAws, local_aws
from infra.local.customer import Customer
from infra.local.ports import HOST, choose_port
from infra.local.receiver import receiving
from simulator import hooks
from simulator.carriers.signalwire.tap import SignalWireTap
from simulator.player import Played, play
from simulator.socket import Setup
from tests.e2e.stage import Stage, until
from trials.chaos.caller import IN, OUT, Call, Caller, Kind
from trials.chaos.slots import Life
from trials.versions.around import NEARBY, Conversation, gone, swallow
from trials.versions.cloud import Cloud, make_cloud, webhook_secrets_of_seed
from trials.versions.executions import Executions
from trials.versions.finish import answers, finish, normal
from trials.versions.fixture import FOLDER, TABLES, Fixture, encoded
from trials.versions.tree import baseline_commit
from trials.versions.version import Functions, Version, baseline

_SHORT_S, _LONG_S = 2.0, 60.0
_BOTH = Kind(dialect="bandwidth", tracks=(IN, OUT))
_ONE = Kind(dialect="signalwire-tap", tracks=(IN,))
_APART = Kind(dialect="signalwire-tap", tracks=(IN, OUT), apart=True, apart_s=1.0)
_RTP = Kind(dialect="rtp", tracks=(IN,))

_FORWARDED = 60_000
"""bytes of what was forwarded that are kept: some 300 messages"""


@dataclass(kw_only=True)
class Recorder:
    """Everything that a fixture is made with."""

    version: Version
    cloud: Cloud
    stage: Stage
    functions: Functions
    executions: Executions
    owner: Life
    passer: Life
    gone_url: str
    """a status_url that answers 410"""
    conversation: Conversation
    calls: list[Call] = field(default_factory=list)
    playing: list[asyncio.Task[None]] = field(default_factory=list)

    async def play(self) -> None:
        """Record calls of every outcome, and kill the workers in the midst of the last three."""
        self._make_profiles()
        await self._play_short()
        tap = serve(swallow, HOST, 0, compression=None)
        async with tap as tapped, self.conversation.listening():
            await self._play_long(tapped.sockets[0].getsockname()[1])
            self.owner.process.send_signal(signal.SIGSTOP)
            await self._ask("POST", "/v1/calls/live/stop_record_call", {})
            for life in (self.owner, self.passer):
                life.process.kill()
        await asyncio.gather(*self.playing)

    def _make_profiles(self) -> None:
        post, url = self.stage.customer.post, self.stage.receiver.url
        labelled = {"labels": {"team": "north"}, "retention_days": 30, "tokened_url": True}
        of_project = {"project_id": "project-1", "space_id": "space-1"}
        for name, dialect, more in (
            ("labelled", "bandwidth", {"record_call": {"stereo": True}, **labelled}),
            ("on-request", "bandwidth", {"record_call": None, "bidirectional": True}),
            ("silence", "bandwidth", {"record_call": {"initial_timeout": 1}}),
            ("stopped", "bandwidth", {"record_call": {}, "status_url": self.gone_url}),
            ("tapping", "signalwire-tap", {"record_call": {"format": "mp3"}, **of_project}),
        ):
            post("/v1/profiles", {"name": name, "dialect": dialect, "status_url": url, **more})

    # --- calls that end

    async def _play_short(self) -> None:
        """Record calls that end well, and some that don't."""
        self._begin("finished", _BOTH, _SHORT_S)
        self._begin("deleted", _ONE, _SHORT_S)
        self.playing.append(asyncio.create_task(self._say_nothing("no-input")))
        self._begin("gone", _BOTH, _SHORT_S, profile="stopped")
        self._begin("labelled", _BOTH, _SHORT_S, profile="labelled")
        await self._announce("announced")
        await asyncio.gather(*self.playing)
        self.playing.clear()
        await asyncio.sleep(4)  # a call whose socket just closed stays open for three seconds
        await asyncio.to_thread(self._run_all)
        finished = self._recording("finished")["recording_id"]
        await self._ask("POST", f"/v1/recordings/{finished}/renditions", {"format": "mp3"})
        deleted = self._recording("deleted")["recording_id"]
        await self._ask("DELETE", f"/v1/recordings/{deleted}", {})
        await asyncio.sleep(12)  # an announced stream fails after 15 s
        await asyncio.to_thread(self.functions.invoke, "sweep", {})
        await asyncio.to_thread(self._run_all)

    async def _announce(self, call_id: str) -> None:
        """Tell of a stream that never comes, of a carrier's recording, and of nothing known."""
        told = self.stage.instructions("signalwire-tap", stereo=True)
        hook = told["hook_url"]
        setup = Setup(
            stream_url=told["stream_url"], call_id=call_id, tracks=(IN,), encoding=Encoding.PCMU
        )
        said = SignalWireTap(setup, IN).started()
        copied = {
            "event_type": "calling.call.record",
            "timestamp": 1_790_000_000.0,
            "params": {
                "call_id": "copied",
                "control_id": "c-2",
                "state": "finished",
                "record": {"url": f"http://{HOST}:9/copied.wav", "duration": 2, "format": "wav"},
            },
        }
        for event in (said, copied, {"event_type": "calling.call.dance", "params": {}}):
            await asyncio.to_thread(hooks.post, hook, event)

    async def _say_nothing(self, call_id: str) -> None:
        """Play silence to a recording that ends without input."""
        told = self.stage.customer.get("/v1/profiles/silence/instructions")
        setup = Setup(
            stream_url=self.owner.at(told["stream_url"]),
            call_id=call_id,
            tracks=(IN,),
            encoding=Encoding.PCMU,
        )
        silence = {IN: [b"\xff" * 160] * 125}
        await play(Played(dialect="bandwidth", setup=setup, sources=silence))

    # --- calls that never end, as far as their worker is concerned

    async def _play_long(self, tap_port: int) -> None:
        self._begin("shared", _APART, _LONG_S)
        self._begin("ended-just-now", _BOTH, _SHORT_S)
        self._begin("live", _BOTH, _LONG_S)
        self._begin("by-rtp", _RTP, _LONG_S)
        await self._ask("POST", "/v1/calls/asked/record_call?profile=on-request", {"stereo": True})
        await asyncio.sleep(1.0)
        speak = {"direction": "speak", "status_url": self.stage.receiver.url}
        path = "/v1/calls/live"
        await self._ask("POST", f"{path}/record_call", {**speak, "control_id": "paused"})
        await self._ask("POST", f"{path}/record_call", {**speak, "control_id": "discarded"})
        await self._ask("POST", f"{path}/record_call/paused/pause", {"behavior": "silence"})
        await self._ask("POST", f"{path}/record_call/discarded/discard", {})
        uri = f"ws://{HOST}:{tap_port}/audio"
        for control_id in ("ended", "live"):
            tap = {"uri": uri, "control_id": control_id, "status_url": self.stage.receiver.url}
            await self._ask("POST", f"{path}/tap", tap)
        await self._ask("POST", f"{path}/stop_tap", {"control_id": "ended"})
        await asyncio.sleep(2.0)

    # --- what is done to them

    def _begin(self, call_id: str, kind: Kind, seconds: float, profile: str = "") -> None:
        call = Call(call_id=call_id, kind=kind, seconds=seconds, encoding=Encoding.PCMU)
        self.calls.append(call)
        told = None
        if profile:
            told = self.stage.customer.get(f"/v1/profiles/{profile}/instructions")
        caller = Caller(self.stage, call, lambda: [self.owner, self.passer], told)
        self.playing.append(asyncio.create_task(caller.play(self.owner)))

    async def _ask(self, method: str, path: str, body: Mapping[str, object]) -> None:
        said = json.dumps(body).encode()
        status, answer = await asyncio.to_thread(self.stage.customer.ask, method, path, said)
        assert status < HTTPStatus.BAD_REQUEST, (path, answer)

    def _recording(self, call_id: str) -> dict[str, Any]:
        until(lambda: bool(self.stage.recording(call_id)), within_s=20)
        return self.stage.recording(call_id)

    def _run_all(self) -> None:
        while self.executions.run_started():
            continue


def main() -> int:
    """Record a fixture; return the exit code."""
    folder = Path(tempfile.mkdtemp(prefix="tapedeck-record-"))
    sys.stdout.write(f"logs: {folder}\n")
    fixture = Fixture(folder=FOLDER / baseline_commit()[:12])
    with local_aws(folder / "aws") as aws, ExitStack() as stack:
        recorder, receiver_url = _begun(aws, stack, folder)
        asyncio.run(recorder.play())
        _say(recorder, "retap", "")
        fixture.take(recorder.cloud, datetime.now(UTC), receiver_url)
        _write_down(recorder, fixture)
    with local_aws(folder / "end") as aws:
        fixture.write("ended", finish(aws, baseline(), fixture, folder / "ended"))
    return 0


def _begun(aws: LocalAws, stack: ExitStack, folder: Path) -> tuple[Recorder, str]:
    version, cloud, enter = baseline(), make_cloud(aws, "record"), stack.enter_context
    functions = enter(version.functions(cloud, folder / "functions"))
    cloud.set_public_url(functions.url)
    receiver = enter(receiving(choose_port(""), webhook_secrets_of_seed(), lambda _: None))
    relay_port = choose_port("")
    near = {"TAPEDECK_RELAY_PORT": str(relay_port), "TAPEDECK_RELAY_HOST": NEARBY}
    customer = Customer(api_url=functions.url, key=version.make_key(cloud))
    deployed = DeployedStack(api_url=functions.url, environment=cloud.environment, outputs={})
    recorder = Recorder(
        version=version,
        cloud=cloud,
        stage=Stage(aws=aws, stack=deployed, customer=customer, receiver=receiver, folder=folder),
        functions=functions,
        executions=Executions(cloud, lambda machine, given: functions),
        owner=enter(version.worker(cloud, folder / "owner", near)),
        passer=enter(version.worker(cloud, folder / "passer")),
        gone_url=enter(gone()),
        conversation=Conversation(relay_port),
    )
    return recorder, receiver.url


def _write_down(recorder: Recorder, fixture: Fixture) -> None:
    items = [item for table in TABLES for item in fixture.rows(table)]
    fixture.write("meanings", _say(recorder, "meanings", json.dumps(items, default=encoded)))
    bodies = {key: body.hex() for key, body in fixture.objects("media")}
    fixture.write("containers", _say(recorder, "containers", json.dumps(bodies)))
    said = recorder.conversation
    fixture.write(
        "conversation",
        {
            "passer": bytes(said.passer[:_FORWARDED]).hex(),
            "owner": bytes(said.owner).hex(),
            "messages": _say(recorder, "messages", ""),
        },
    )
    told, stage = answers(recorder.stage.customer), recorder.stage
    fixture.write("answers", normal(told, stage.receiver.url, recorder.functions.url))
    fixture.write("links", _links(recorder))
    key = recorder.cloud.client("kms").get_public_key(
        KeyId=recorder.cloud.environment["TAPEDECK_SIGNING_KEY_ID"]
    )
    public = serialization.load_der_public_key(key["PublicKey"])
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (fixture.folder / "signing-key.pem").write_bytes(pem)


def _program(version: Version, name: str) -> Path:
    """Return a program of `programs/`: the baseline's own, since it speaks the baseline's names."""
    trees = version.tree / "trials", version.tree / "tests"  # where older baselines have them
    own = [tree / "versions" / "programs" / f"{name}.py" for tree in trees]
    here = Path(__file__).parent / "programs" / f"{name}.py"
    return next((path for path in own if path.exists()), here)


def _links(recorder: Recorder) -> dict[str, str]:
    """Return paths that were handed out, with their tokens."""
    told = recorder.stage.customer.get("/v1/profiles/labelled/instructions")
    bodies = [one.body["params"] for one in recorder.stage.receiver.of_call("labelled")]
    url = next(one["record"]["url"] for one in bodies if one["state"] == "finished")
    return {"hook": urlsplit(told["hook_url"]).path, "download": urlsplit(url).path}


def _say(recorder: Recorder, program: str, given: str) -> Any:
    path = _program(recorder.version, program)
    environment = recorder.version.environment(recorder.cloud)
    done = subprocess.run(
        [sys.executable, "-c", path.read_text()],
        input=given,
        cwd=recorder.version.tree,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout or "null")


if __name__ == "__main__":
    sys.exit(main())
