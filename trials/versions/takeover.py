"""A worker of one version dies beside a living one of the other, which ends its calls."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from chalicelib.capture.events import Encoding
from infra.local.aws import DeployedStack, LocalAws
from infra.local.customer import Customer
from infra.local.ports import HOST, choose_port
from infra.local.receiver import receiving
from tests.e2e.stage import Stage
from trials.chaos import outcome
from trials.chaos.caller import IN, OUT, Call, Caller, Kind
from trials.chaos.slots import Life
from trials.chaos.verdict import judge
from trials.versions.cloud import make_cloud, webhook_secrets_of_seed
from trials.versions.executions import Executions, running_executions
from trials.versions.version import Version

KINDS = (
    Kind(dialect="bandwidth", tracks=(IN, OUT)),
    Kind(dialect="signalwire-tap", tracks=(IN,)),
    Kind(dialect="rtp", tracks=(IN,)),
)
_TALK_S = 6.0
_LONG_S = 60.0
_WITHIN_S = 60.0
"""TRUST 3: from a worker's death to the end of its recordings beside a living one"""


@dataclass(kw_only=True)
class TakenOver:
    """What came of the dead worker's calls."""

    took_s: float = 0.0
    """from its death to the last callback of the last of them"""
    losses_s: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    tapped_bytes: int = 0
    """that a tap of one of them sent"""


def play_takeover(aws: LocalAws, first: Version, second: Version, folder: Path) -> TakenOver:
    """Let `first` have the calls and die, while `second` has the API and a worker that lives."""
    cloud = make_cloud(aws, f"versions-{folder.name}")
    with ExitStack() as stack:
        enter = stack.enter_context
        functions = enter(second.functions(cloud, folder / "functions"))
        cloud.set_public_url(functions.url)
        receiver = enter(receiving(choose_port(""), webhook_secrets_of_seed(), lambda _: None))
        customer = Customer(api_url=functions.url, key=second.make_key(cloud))
        deployed = DeployedStack(api_url=functions.url, environment=cloud.environment, outputs={})
        stage = Stage(aws=aws, stack=deployed, customer=customer, receiver=receiver, folder=folder)
        executions = enter(running_executions(cloud, lambda machine, given: functions))
        dying = enter(first.worker(cloud, folder / "dying"))
        return asyncio.run(_play(stage, executions, dying, second, folder))


async def _play(
    stage: Stage, executions: Executions, dying: Life, second: Version, folder: Path
) -> TakenOver:
    calls = [
        Call(call_id=f"taken-{number}", kind=kind, seconds=_LONG_S, encoding=Encoding.PCMU)
        for number, kind in enumerate(KINDS)
    ]
    playing = [
        asyncio.create_task(Caller(stage, call, lambda: [dying]).play(dying)) for call in calls
    ]
    heard = bytearray()

    async def take(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):  # a killed worker says no farewell
            async for message in connection:
                heard.extend(message if isinstance(message, bytes) else b"")

    async with serve(take, HOST, 0, compression=None) as tapped:
        uri = f"ws://{HOST}:{tapped.sockets[0].getsockname()[1]}/audio"
        await asyncio.sleep(_TALK_S / 2)
        tap = partial(stage.customer.post, "/v1/calls/taken-0/tap", {"uri": uri})
        await asyncio.to_thread(tap)
        with second.worker(executions.cloud, folder / "living"):  # RTP came to the other, alone
            await asyncio.sleep(_TALK_S / 2)
            dying.process.kill()
            dying.killed_s = time.monotonic()
            left = await asyncio.to_thread(outcome.await_ended, stage, calls, _WITHIN_S)
            took_s = time.monotonic() - dying.killed_s
    for call in calls:
        call.hang_up.set()
    await asyncio.gather(*playing)
    return await asyncio.to_thread(
        _seen_through, stage, calls, left + executions.failures, took_s, len(heard)
    )


def _seen_through(
    stage: Stage, calls: list[Call], problems: list[str], took_s: float, tapped_bytes: int
) -> TakenOver:
    taken = TakenOver(took_s=took_s, problems=problems, tapped_bytes=tapped_bytes)
    for call in calls:
        recorded = outcome.recordings(stage, call)
        verdict = judge(call, recorded)
        taken.losses_s += verdict.losses_s.values()
        taken.problems += outcome.problems(stage, call, verdict, recorded)
    return taken
