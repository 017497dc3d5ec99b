"""Calls of a deployment in which two versions run: one has the calls, the other does the rest.

`first` runs the workers to which the calls come. `second` runs the API, the worker that stays, the
sweeper and the finalization. So each promise is tried in both directions by swapping the two.
"""

from __future__ import annotations

import asyncio
import audioop  # from audioop-lts where Python has it no longer
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from chalicelib.capture.events import Encoding
from infra.local.aws import DeployedStack, LocalAws
from infra.local.customer import Customer
from infra.local.ports import choose_port
from infra.local.receiver import receiving
from tests.e2e.listening import hear
from tests.e2e.stage import Stage
from trials.chaos import outcome
from trials.chaos.caller import IN, OUT, Call, Caller, Kind, Sent
from trials.chaos.slots import Life
from trials.chaos.verdict import Verdict, judge
from trials.versions.cloud import Cloud, make_cloud, webhook_secrets_of_seed
from trials.versions.executions import Executions, running_executions
from trials.versions.finish import answers
from trials.versions.version import Functions, Version

MOVED = Kind(dialect="signalwire-tap", tracks=(IN, OUT), apart=True, apart_s=1.0, begins_anew=True)
"""its listen tap meets the worker that stays, which forwards it to the call's owner; when the
owner stops, both go on at the one that stays"""
COMMANDED = Kind(dialect="bandwidth", tracks=(IN, OUT))
DOOMED = Kind(dialect="bandwidth", tracks=(IN, OUT))
"""at a worker that is killed in its midst"""

_COMMANDED_S, _DOOMED_S, _MOVED_S = 8.0, 5.0, 90.0
_ENOUGH_FRAMES = 75
_WITHIN_S = 90.0
_SUSPECT_AFTER_S = 7.0
"""a lease that was renewed less long ago isn't suspected"""

_SPARED_S = 0.1
"""what was sent so soon after the answer may have been on its way before"""

PAUSED_ID, DISCARDED_ID = "paused-one", "discarded-one"


@dataclass(frozen=True, kw_only=True)
class Played:
    """What came of a pair's calls."""

    answers: list[str]
    """the states that commands were answered with"""
    told_of_paused: list[str]
    """the states that callbacks told"""
    told_of_discarded: list[str]
    paused_frames: int
    """said in the pause, without doubt"""
    paused_frames_heard: int
    heard_frames: int
    """of the same recording, before and after"""
    forwarded_tracks: set[str]
    """captured by a worker that had no socket of them"""
    exit_code: int | None
    """of the worker that was stopped"""
    losses_s: dict[str, list[float]]
    """by call: what was lost by each death of a worker of it"""
    problems: dict[str, list[str]]
    """by call: what isn't as promised beside that"""
    swept: dict[str, int]
    failures: list[str]
    """of executions"""
    answers_of_old: dict[str, Any]
    answers_of_new: dict[str, Any]


@dataclass(kw_only=True)
class Pair:
    """A deployment of two versions, and what came of its calls."""

    cloud: Cloud
    stage: Stage
    """its customer asks `second`"""
    first: Functions
    second: Functions
    executions: Executions
    leaving: Life
    doomed: Life
    """both of `first`"""
    staying: Life
    """of `second`"""
    calls: dict[str, Call] = field(default_factory=dict)
    """`moved`, `commanded`, `doomed`"""
    answers: list[str] = field(default_factory=list)
    """the states that commands were answered with"""
    pause: tuple[float, float] = (0.0, 0.0)
    """on the monotonic clock: when the pause was answered, and when the resume was asked"""
    is_stopped: bool = False
    exit_code: int | None = None
    swept: dict[str, int] = field(default_factory=dict)

    async def play(self) -> Played:
        """Play the calls to their ends, see them through, and tell what came of them."""
        await asyncio.gather(self._play_live(), self._play_doomed())
        await asyncio.to_thread(self._stop_staying)
        wait_s = (self.doomed.killed_s or 0.0) + _SUSPECT_AFTER_S - time.monotonic()
        await asyncio.sleep(max(0.0, wait_s))
        self.swept = await asyncio.to_thread(self.second.invoke, "sweep", {})
        left = outcome.await_ended(self.stage, list(self.calls.values()), _WITHIN_S)
        assert not left, (left, self.executions.failures)
        return await asyncio.to_thread(self._seen_through)

    async def _play_live(self) -> None:
        moved = asyncio.create_task(self._call("moved", MOVED, _MOVED_S, self.leaving))
        commanded = asyncio.create_task(
            self._call("commanded", COMMANDED, _COMMANDED_S, self.leaving)
        )
        await self._command()
        await commanded
        self.is_stopped = True
        stopped_s = time.monotonic()
        self.leaving.process.terminate()
        ended = asyncio.to_thread(self.leaving.process.wait, _WITHIN_S)
        await self._until_at_staying()
        self.calls["moved"].hang_up.set()
        self.exit_code, _ = await asyncio.gather(ended, moved)
        self.leaving.killed_s = stopped_s  # nobody promises what was sent to it from then on

    async def _play_doomed(self) -> None:
        playing = asyncio.create_task(self._call("doomed", DOOMED, _MOVED_S, self.doomed))
        await asyncio.sleep(_DOOMED_S)
        self.doomed.process.kill()
        self.doomed.killed_s = time.monotonic()
        await playing

    async def _call(self, name: str, kind: Kind, seconds: float, life: Life) -> None:
        call_id = f"{name}-{self.second.version}"
        call = Call(call_id=call_id, kind=kind, seconds=seconds, encoding=Encoding.PCMU)
        self.calls[name] = call
        await Caller(self.stage, call, self._living).play(life)

    def _living(self) -> list[Life]:
        return [self.staying] if self.is_stopped else [self.leaving, self.staying]

    async def _until_at_staying(self) -> None:
        call = self.calls["moved"]
        async with asyncio.timeout(_WITHIN_S):
            while any(
                sum(one.life is self.staying for one in call.sent.get(track, [])) < _ENOUGH_FRAMES
                for track in ((OUT,) if not self.is_stopped else (IN, OUT))
            ):
                await asyncio.sleep(0.05)

    async def _command(self) -> None:
        """Begin two more recordings; pause and resume the one, discard the other."""
        began_s = time.monotonic()

        async def at(second: float, path: str, body: dict[str, Any]) -> dict[str, Any]:
            await asyncio.sleep(max(0.0, began_s + second - time.monotonic()))
            call_id = self.calls["commanded"].call_id
            post = partial(self.stage.customer.post, f"/v1/calls/{call_id}{path}", body)
            return await asyncio.to_thread(post)

        speak = {"direction": "speak", "status_url": self.stage.receiver.url}
        await at(1.5, "/record_call", {**speak, "control_id": PAUSED_ID})
        await at(1.5, "/record_call", {**speak, "control_id": DISCARDED_ID})
        paused = await at(3.0, f"/record_call/{PAUSED_ID}/pause", {})
        answered_s = time.monotonic()
        self.answers.append(paused["state"])
        resumed = at(5.0, f"/record_call/{PAUSED_ID}/resume", {})
        self.pause = (answered_s, began_s + 5.0)
        self.answers.append((await resumed)["state"])
        discarded = await at(5.5, f"/record_call/{DISCARDED_ID}/discard", {})
        self.answers.append(discarded["state"])
        await at(6.5, "/stop_record_call", {"control_id": PAUSED_ID})

    def _stop_staying(self) -> None:
        """Stop the other worker, so that only the sweeper is left to find the dead one."""
        outcome.await_ended(self.stage, [self.calls["moved"]], _WITHIN_S)
        self.staying.process.terminate()
        assert self.staying.process.wait(_WITHIN_S) == 0

    # --- what came of it

    def _seen_through(self) -> Played:
        verdicts = {name: self._verdict(name) for name in self.calls}
        said_in_pause, said_outside = self._frames_of_paused()
        heard = self._heard_of_paused()
        key = self.stage.customer.key
        told = {
            one.version: answers(Customer(api_url=one.url, key=key))
            for one in (self.first, self.second)
        }
        return Played(
            answers=self.answers,
            told_of_paused=self._told(PAUSED_ID),
            told_of_discarded=self._told(DISCARDED_ID),
            paused_frames=len(said_in_pause),
            paused_frames_heard=sum(one in heard for one in said_in_pause),
            heard_frames=sum(one in heard for one in said_outside),
            forwarded_tracks=self._forwarded(),
            exit_code=self.exit_code,
            losses_s={name: list(one.losses_s.values()) for name, (one, _) in verdicts.items()},
            problems={name: problems for name, (_, problems) in verdicts.items()},
            swept=self.swept,
            failures=self.executions.failures,
            answers_of_old=told["old"],
            answers_of_new=told["new"],
        )

    def _verdict(self, name: str) -> tuple[Verdict, list[str]]:
        call = self.calls[name]
        recorded = [
            one
            for one in outcome.recordings(self.stage, call)
            if one.shown["control_id"] not in (PAUSED_ID, DISCARDED_ID)
        ]
        verdict = judge(call, recorded)
        return verdict, outcome.problems(self.stage, call, verdict, recorded)

    def _told(self, control_id: str) -> list[str]:
        told = self.stage.receiver.of_call(self.calls["commanded"].call_id)
        return [one.state for one in told if one.body["params"]["control_id"] == control_id]

    def _frames_of_paused(self) -> tuple[list[bytes], list[bytes]]:
        """Return what was said while the recording paused without doubt, and what was outside."""
        sent = self.calls["commanded"].sent[IN]
        from_s, to_s = self.pause
        within = [one for one in sent if from_s + _SPARED_S < one.at_s < to_s]
        outside = [one for one in sent if not from_s - 1.0 < one.at_s < to_s + 1.0]
        return _sounds(within), _sounds(outside)

    def _heard_of_paused(self) -> bytes:
        call_id = self.calls["commanded"].call_id
        found = self.stage.customer.get(f"/v1/recordings?call_id={call_id}")["recordings"]
        url = next(one["url"] for one in found if one["control_id"] == PAUSED_ID)
        return hear(self.stage.customer.download(url)).channels[0]

    def _forwarded(self) -> set[str]:
        """Return the tracks whose sockets met the worker that stayed while the other captured."""
        call = self.calls["moved"]
        key = f"CALL#main/signalwire/{call.call_id}"
        streams = [
            item
            for item in self.cloud.items("core")
            if item["pk"]["S"] == key and item["sk"]["S"].startswith("STREAM#")
        ]
        captured = {
            track["S"]
            for item in streams
            if item["worker"]["S"] == self.leaving.name
            for track in item["tracks"]["L"]
        }
        met = {str(track) for track in call.sent if call.sent[track][0].life is self.staying}
        return met & captured


def _sounds(frames: Sequence[Sent]) -> list[bytes]:
    return [audioop.ulaw2lin(one.payload, 2) for one in frames]


@contextmanager
def paired(aws: LocalAws, first: Version, second: Version, folder: Path) -> Iterator[Pair]:
    """Start a deployment in which `first` has the calls and `second` does the rest."""
    cloud = make_cloud(aws, f"versions-{second.name}-{folder.name}".replace("_", "-"))
    with ExitStack() as stack:
        enter = stack.enter_context
        functions = {
            one.name: enter(one.functions(cloud, folder / f"functions-{one.name}"))
            for one in (first, second)
        }
        secrets = webhook_secrets_of_seed()
        receiver = enter(receiving(choose_port(""), secrets, lambda _: None))
        url = functions[second.name].url
        cloud.set_public_url(url)
        deployed = DeployedStack(api_url=url, environment=cloud.environment, outputs={})
        customer = Customer(api_url=url, key=second.make_key(cloud))
        chosen = functions[second.name]
        yield Pair(
            cloud=cloud,
            stage=Stage(
                aws=aws, stack=deployed, customer=customer, receiver=receiver, folder=folder
            ),
            first=functions[first.name],
            second=functions[second.name],
            executions=enter(running_executions(cloud, lambda machine, given: chosen)),
            leaving=enter(first.worker(cloud, folder / "leaving")),
            doomed=enter(first.worker(cloud, folder / "doomed")),
            staying=enter(second.worker(cloud, folder / "staying")),
        )
