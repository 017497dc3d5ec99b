"""How claimed ports live: opened, used or not, freed."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

from chalicelib.errors import Forbidden
from chalicelib.recording.commands import CommandKind
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import Ending, RecordOptions
from chalicelib.recording.rtp_endpoint import PortClaim
from chalicelib.sink.worker import Worker
from tests.fake_claims import FakePortClaims
from tests.fake_store import Store
from tests.sink.cluster.test_ecs_task import MOST, Agent
from tests.sink.fakes import FakeControl
from tests.sink.rig import run, until
from tests.sink.rtp_rig import (
    HOST,
    SPEEDY,
    a_claim,
    closed,
    in_place,
    opened,
    rtp_rig,
    sender,
    stored,
    tell,
)


def test_a_port_that_nobody_sends_to_is_freed() -> None:
    """After a while, and only then: a sender may be late."""

    async def scenario() -> None:
        rig = rtp_rig(replace(SPEEDY, rtp_unused_s=0.5))
        async with rig.running():
            late, unused = await opened(rig), await opened(rig, control_id="other")
            await asyncio.sleep(0.3)
            async with sender(late) as carrier:
                carrier.sound(range(10))
                await until(lambda: rig.claims.at(HOST, unused.port) is None)
                await closed(rig)
        assert in_place(10) == stored(rig).sounding()
        assert 1 == len(rig.control.joinings)

    run(scenario)


def test_what_comes_after_the_silence_is_another_stream_of_the_port() -> None:
    """Until the port is freed: then it is claimed no more, and nobody hears it."""

    async def scenario() -> None:
        rig = rtp_rig(replace(SPEEDY, rtp_release_s=1.5))
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as carrier:
                carrier.sound(range(10))
                await closed(rig)
                carrier.sound(range(10, 20))
                await closed(rig, calls=2)
                await until(lambda: rig.claims.at(HOST, claim.port) is None)
                carrier.sound(range(20, 30))
        assert 2 == len({joining.stream_key for joining in rig.control.joinings})
        assert 20 * 160 == len(rig.stored("segments/"))

    run(scenario)


def test_a_task_is_kept_while_a_port_waits_for_its_call() -> None:
    """Its address was announced: the task may not go before the call has come and gone."""

    async def scenario() -> None:
        agent = Agent()
        limits = replace(SPEEDY, protection_look_every_s=0.01, protection_linger_s=0.05)
        rig = rtp_rig(limits)
        outside = replace(rig.outside, protection=agent)
        rig.sink = Worker("w-1", outside, limits, rig.rtp)
        async with rig.running():
            await asyncio.sleep(0.1)
            assert [] == agent.asked
            claim = await opened(rig)
            await until(lambda: agent.asked == [f"on {MOST}"])
            await until(lambda: rig.leases.renewals[-1].rtp_open == 1)
            tell(rig, claim, CommandKind.END_PORT)
            await until(lambda: agent.asked == [f"on {MOST}", "off"])

    run(scenario)


def test_the_carriers_word_ends_a_stream_at_once() -> None:
    """What is under way still counts; what the same sender sends later doesn't, another's does."""

    async def scenario() -> None:
        rig = rtp_rig(replace(SPEEDY, rtp_silence_s=5.0, rtp_release_s=1.0))
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as carrier:
                carrier.sound(range(10))
                await until(lambda: rig.sink.call_registry.calls)
                tell(rig, claim, CommandKind.END_PORT)
                await asyncio.sleep(0.05)
                carrier.sound(range(10, 12))
                await closed(rig)
                assert [Ending.STOPPED] == list(rig.control.endings.values())
                carrier.sound(range(12, 20))
                replace(carrier, ssrc=1).sound(range(20, 30))
                await until(lambda: len(rig.control.joinings) == 2)
                tell(rig, claim, CommandKind.END_PORT)
                await closed(rig, calls=2)
        assert [*range(12), *range(20, 30)] == sorted(stored(rig).numbers())

    run(scenario)


def test_a_word_that_was_wrong_costs_seconds_not_the_call() -> None:
    """A late webhook of an earlier tap to the same port: who sends on begins another stream."""

    async def scenario() -> None:
        limits = replace(SPEEDY, rtp_silence_s=1.0, rtp_straggle_s=0.3, rtp_release_s=2.0)
        rig = rtp_rig(limits)
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as carrier:
                loop = asyncio.get_running_loop()
                for number in range(50):
                    loop.call_later(number * 0.02, carrier.sound, [number])
                await until(lambda: rig.sink.call_registry.calls)
                tell(rig, claim, CommandKind.END_PORT)
                await closed(rig, calls=2)
        assert [Ending.STOPPED, Ending.BROKEN] == list(rig.control.endings.values())
        kept = sorted(stored(rig).numbers())
        assert (0, 49) == (kept[0], kept[-1])
        assert len(kept) > 20

    run(scenario)


def test_the_carriers_word_frees_a_port_that_was_never_used() -> None:
    """And a word about a port that isn't open is no matter."""

    async def scenario() -> None:
        rig = rtp_rig()
        async with rig.running():
            claim = await opened(rig)
            tell(rig, a_claim(), CommandKind.END_PORT)
            tell(rig, claim, CommandKind.END_PORT)
            await until(lambda: rig.claims.at(HOST, claim.port) is None)
            await until(lambda: not rig.mailbox.waiting("w-1"))

    run(scenario)


class Noting(FakePortClaims):
    """Claims that note which ports are said to be open."""

    def __init__(self) -> None:
        super().__init__(Store())
        self.opened: list[int] = []

    def open(self, claim: PortClaim) -> None:
        """Say that a port is heard."""
        self.opened.append(claim.port)
        super().open(claim)


def test_a_port_that_is_taken_is_freed_for_another_choice() -> None:
    """It was never said to be heard, and its claim is gone: whoever asked claims another."""

    async def scenario() -> None:
        claims = Noting()
        rig = replace(rtp_rig(), claims=claims)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind((HOST, 0))
            claim = a_claim(port=other.getsockname()[1])
            rig.claims.claim(claim)
            async with rig.running():
                tell(rig, claim, CommandKind.OPEN_PORT)
                await until(lambda: rig.claims.at(HOST, claim.port) is None)
        assert [] == claims.opened

    run(scenario)


def test_a_claim_that_is_gone_is_not_heard() -> None:
    """The API gave it up meanwhile."""

    async def scenario() -> None:
        rig = rtp_rig()
        claim = a_claim()
        async with rig.running():
            command = tell(rig, claim, CommandKind.OPEN_PORT)
            await until(lambda: not rig.mailbox.is_waiting(command))
            async with sender(claim) as carrier:
                carrier.sound(range(10))
                await asyncio.sleep(0.1)
        assert [] == rig.control.joinings

    run(scenario)


def test_a_call_that_may_not_be_streamed_frees_the_port() -> None:
    """Its profile is gone: what came is forgotten."""

    async def scenario() -> None:
        rig = rtp_rig(control=FakeControl(refusal=Forbidden("gone", code="forbidden")))
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as carrier:
                carrier.sound(range(10))
                await until(lambda: rig.claims.at(HOST, claim.port) is None)
        assert {} == rig.store.objects

    run(scenario)


def test_a_planned_stop_stores_what_came_and_frees_the_ports() -> None:
    """A sender can't be asked to go elsewhere: its stream ends."""

    async def scenario() -> None:
        rig = rtp_rig()
        async with rig.running():
            claim, unused = await opened(rig), await opened(rig, control_id="other")
            async with sender(claim) as carrier:
                carrier.sound(range(10))
                await until(lambda: rig.sink.call_registry.calls)
                await asyncio.sleep(0.05)
        assert in_place(10) == stored(rig).sounding()
        assert [Ending.BROKEN] == list(rig.control.endings.values())
        assert [None, None] == [rig.claims.at(HOST, one.port) for one in (claim, unused)]
        assert "" == rig.leases.renewals[-1].rtp_host
        assert (HOST, 20_000, 21_999) == (
            rig.leases.renewals[0].rtp_host,
            rig.leases.renewals[0].rtp_first,
            rig.leases.renewals[0].rtp_last,
        )

    run(scenario)


def test_what_the_system_holds_at_a_planned_stop_is_stored() -> None:
    """After a stall the socket has seconds of packets that nobody read yet."""

    async def scenario() -> None:
        rig = rtp_rig()
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as carrier:
                carrier.sound(range(10))
                await until(lambda: rig.sink.call_registry.calls)
                carrier.sound(range(10, 260))
                rig.sink.stop()
                assert rig.life is not None
                await asyncio.wait({rig.life})
        assert in_place(260) == stored(rig).sounding()

    run(scenario)


def test_a_stream_is_as_long_as_streams_may_be() -> None:
    """Then the port is freed."""

    async def scenario() -> None:
        rig = rtp_rig(replace(SPEEDY, stream_for_s=0.3, rtp_silence_s=5.0))
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as carrier:
                carrier.sound(range(10))
                await until(lambda: rig.claims.at(HOST, claim.port) is None)

    run(scenario)


def test_max_length_counts_the_positions_of_packets() -> None:
    """A recording of a second ends there, though its call goes on."""

    async def scenario() -> None:
        control = FakeControl(options=RecordOptions(max_length_s=1.0))
        rig = rtp_rig(control=control)
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as carrier:
                loop = asyncio.get_running_loop()
                for number in range(60):
                    loop.call_later(number * 0.02, carrier.sound, [number])
                await closed(rig)
        ((_, cause, at),) = control.ended_recordings
        opened_at = control.joinings[0].opened_at
        assert Cause.MAX_LENGTH is cause
        assert abs((at - opened_at).total_seconds() - 1.0) < 0.1

    run(scenario)
