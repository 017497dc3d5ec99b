"""When a task is protected from scale-in: the real agent's answers on loopback, and a fake's."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from threading import Event

import pytest

from chalicelib.adapters.aws.ecs import EcsAgent
from chalicelib.errors import Unavailable
from chalicelib.sink.cluster.ecs_task import ScaleInProtection
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.worker import Worker
from tests.adapters.receivers import Receiver, receiver, resets, says
from tests.sink.rig import QUICK, STOP, Rig, media, run, start, until

OFTEN = replace(
    QUICK,
    protection_look_every_s=0.01,
    protection_linger_s=0.05,
    protection_retry_s=0.05,
)

MOST = Limits().protection_for_min


@dataclass
class Agent:
    """An agent that notes the requests, and refuses them on demand."""

    asked: list[str] = field(default_factory=list)
    refusal: str = ""
    lost_answers: int = 0

    def protect(self, for_minutes: int) -> None:
        """Keep the task."""
        self._answer(f"on {for_minutes}")

    def release(self) -> None:
        """Let it go."""
        self._answer("off")

    def _answer(self, asked: str) -> None:
        self.asked.append(asked)
        if self.refusal:
            raise Unavailable("no", code=self.refusal)
        if self.lost_answers:
            self.lost_answers -= 1
            raise Unavailable("lost")


@dataclass
class CallCount:
    """Calls that come and go."""

    calls: int = 0


@asynccontextmanager
async def kept(agent: Agent, worker: CallCount, limits: Limits = OFTEN) -> AsyncIterator[None]:
    """Keep the protection for the length of a block."""
    keeping = asyncio.create_task(ScaleInProtection(agent, lambda: worker.calls, limits).keep())
    try:
        yield
    finally:
        assert not keeping.done()
        keeping.cancel()
        await asyncio.wait({keeping})


def test_a_task_is_protected_while_it_has_calls() -> None:
    """Once when calls come, once when none is left for a while, and never for nothing."""

    async def scenario() -> None:
        agent, worker = Agent(), CallCount()
        async with kept(agent, worker):
            await asyncio.sleep(0.05)
            assert [] == agent.asked
            worker.calls = 2
            await until(lambda: agent.asked)
            await asyncio.sleep(0.1)
            worker.calls = 0
            await until(lambda: len(agent.asked) > 1)
            await asyncio.sleep(0.1)
        assert [f"on {MOST}", "off"] == agent.asked

    run(scenario)


def test_a_call_that_follows_soon_asks_nothing() -> None:
    """Short calls one after the other are one protection."""

    async def scenario() -> None:
        agent, worker = Agent(), CallCount()
        async with kept(agent, worker, replace(OFTEN, protection_linger_s=0.5)):
            for calls in (1, 0, 1, 0, 1):
                worker.calls = calls
                await asyncio.sleep(0.03)
        assert [f"on {MOST}"] == agent.asked

    run(scenario)


def test_protection_is_renewed_before_it_ends() -> None:
    """Calls can last longer than it; the default renews at half of its time."""

    async def scenario() -> None:
        agent = Agent()
        async with kept(agent, CallCount(calls=1), replace(OFTEN, protection_renew_every_s=0.05)):
            await until(lambda: len(agent.asked) > 2)
        assert {f"on {MOST}"} == set(agent.asked)

    run(scenario)


@dataclass
class Ecs:
    """ECS by numbers: it grants, or refuses, and forgets a protection when its time is over."""

    now_s: float = 0.0
    until_s: float = -1.0
    refuses: bool = False

    def protect(self, for_minutes: int) -> None:
        """Keep the task until then."""
        if self.refuses:
            raise Unavailable("no", code="DEPLOYMENT_BLOCKED")
        assert 1 <= for_minutes <= 2880, "more than ECS takes"
        self.until_s = self.now_s + for_minutes * 60

    def release(self) -> None:
        """Let it go."""
        self.until_s = -1.0


async def looked(ecs: Ecs, keeper: ScaleInProtection, seconds: range) -> None:
    """Let time go by, and the keeper look."""
    for second in seconds:
        ecs.now_s = second
        await keeper.look(second)


def test_a_call_of_twelve_hours_is_protected_to_its_end() -> None:
    """The longest that a stream may be set to, with the defaults, second for second."""

    async def scenario() -> None:
        ecs, worker = Ecs(), CallCount(calls=1)
        keeper = ScaleInProtection(ecs, lambda: worker.calls, Limits())
        for hour in range(13):
            await looked(ecs, keeper, range(hour * 3600, (hour + 1) * 3600, 30))
            assert ecs.until_s > ecs.now_s + 46 * 3600
        worker.calls = 0
        await looked(ecs, keeper, range(13 * 3600, 13 * 3600 + 90))
        assert -1.0 == ecs.until_s

    asyncio.run(scenario())


def test_a_refusal_endangers_no_call_for_two_days_less_an_hour() -> None:
    """ECS refuses while fewer tasks are desired than protected. What was granted before goes on:
    calls that begin 35 hours later have twelve hours still."""

    async def scenario() -> None:
        ecs = Ecs()
        keeper = ScaleInProtection(ecs, lambda: 1, Limits())
        await looked(ecs, keeper, range(3599))
        ecs.refuses = True
        await looked(ecs, keeper, range(3599, 35 * 3600, 30))
        assert ecs.until_s - ecs.now_s >= 12 * 3600
        ecs.refuses = False
        await looked(ecs, keeper, range(35 * 3600, 35 * 3600 + 30))
        assert ecs.until_s - ecs.now_s >= 47 * 3600

    asyncio.run(scenario())


def test_a_refusal_is_told_once_and_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    """A deployment can refuse for an hour: one line when it begins, one when it is over."""

    caplog.set_level(logging.INFO, logger="chalicelib.sink.cluster.ecs_task")

    async def scenario() -> None:
        agent = Agent(refusal="DEPLOYMENT_BLOCKED")
        async with kept(agent, CallCount(calls=1)):
            await until(lambda: len(agent.asked) > 2)
            agent.refusal = ""
            await until(lambda: len(caplog.records) > 1)
            asked = len(agent.asked)
            await asyncio.sleep(0.1)
            assert asked == len(agent.asked)

    run(scenario)
    assert [("WARNING", "DEPLOYMENT_BLOCKED"), ("INFO", None)] == [
        (record.levelname, getattr(record, "reason", None)) for record in caplog.records
    ]


def test_what_may_be_on_is_switched_off() -> None:
    """Where only the answer was lost, a task without calls would stay for two hours."""

    async def scenario() -> None:
        agent, worker = Agent(lost_answers=1), CallCount(calls=1)
        async with kept(agent, worker, replace(OFTEN, protection_retry_s=0.2)):
            await until(lambda: agent.asked)
            worker.calls = 0
            await until(lambda: "off" in agent.asked)
        assert [f"on {MOST}", "off"] == agent.asked

    run(scenario)


def granting(asked: bytes) -> bytes:
    """Return the agent's answer to a request that ECS grants."""
    wanted = json.loads(asked.partition(b"\r\n\r\n")[2])["ProtectionEnabled"]
    body = json.dumps({"protection": {"ProtectionEnabled": wanted}}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def worker_of(agent: Receiver) -> Rig:
    """Return a whole worker whose agent this is."""
    rig = Rig(limits=OFTEN)
    protection = EcsAgent(f"http://127.0.0.1:{agent.port}/api/c-1")
    rig.sink = Worker("w-1", replace(rig.outside, protection=protection), OFTEN)
    return rig


def test_a_worker_with_a_call_protects_its_task() -> None:
    """A stream that starts is a live call: the agent hears of it over HTTP, and when the last is
    over."""

    def grant(peer: socket.socket, over: Event) -> None:
        says(granting(agent.requests[-1]))(peer, over)

    with receiver(grant) as agent:

        async def scenario() -> None:
            rig = worker_of(agent)
            async with rig.running():
                await asyncio.sleep(0.05)
                assert [] == agent.requests
                async with rig.bandwidth() as carrier:
                    await carrier.send(start())
                    await until(lambda: agent.requests)
                    await asyncio.sleep(0.1)
                    assert 1 == len(agent.requests)
                    await carrier.send(STOP)
                await until(lambda: len(agent.requests) > 1)

        run(scenario)

    said = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in agent.requests]
    on = {"ProtectionEnabled": True, "ExpiresInMinutes": MOST}
    assert [on, {"ProtectionEnabled": False}] == said


def test_an_agent_that_fails_costs_no_frame() -> None:
    """Capture goes on, and the worker isn't unwell: no recording is the worse for it."""

    with receiver(resets) as agent:

        async def scenario() -> None:
            rig = worker_of(agent)
            async with rig.running():
                async with rig.bandwidth() as socket:
                    await socket.send(start())
                    await until(lambda: len(agent.requests) > 1)
                    await socket.send(media(0))
                    await socket.send(STOP)
                    await until(lambda: rig.control.closed)
                assert ("", 160) == (
                    rig.sink.health.degraded,
                    len(rig.stored("segments/main/bandwidth/c-1/")),
                )

        run(scenario)
