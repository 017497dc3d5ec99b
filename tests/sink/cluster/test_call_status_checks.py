"""Sockets that stay open but silent: the carrier is asked, and its answer ends them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from chalicelib.errors import Unavailable
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.model import CallRef, Ending
from tests.fakes import FakeWorkflows
from tests.samples import T0
from tests.sink.rig import QUICK, Rig, media, run, start, until

SOON = replace(QUICK, silent_s=0.1)


def over(rig: Rig, stream_key: str) -> Command:
    """Return the command that a worker gets for a call that is over."""
    return Command(
        command_id="end-1",
        kind=CommandKind.END_STREAM,
        worker=rig.name,
        call_key="main/bandwidth/c-1",
        recording_id="",
        stream_key=stream_key,
        at=T0,
    )


def test_a_silent_stream_is_asked_for_again_and_again() -> None:
    """By name of the worker that has its socket, and by a number that makes each question another
    execution; pongs break no silence."""

    async def scenario() -> None:
        workflows = FakeWorkflows()
        async with Rig(limits=SOON, workflows=workflows).running() as rig, rig.bandwidth() as one:
            await one.send(start())
            await one.send(media(0))
            while len(workflows.inquiries) < 3:
                await one.pong()
                await asyncio.sleep(0.01)
        asked = workflows.inquiries[:3]
        assert [("main/bandwidth/c-1", "w-1", number) for number in (1, 2, 3)] == asked

    run(scenario)


@pytest.mark.paced
def test_a_stream_that_talks_is_nobody_s_question() -> None:
    """Each message is a sign of life."""

    async def scenario() -> None:
        workflows = FakeWorkflows()
        limits = replace(QUICK, silent_s=0.4)
        async with Rig(limits=limits, workflows=workflows).running() as rig, rig.bandwidth() as one:
            await one.send(start())
            for number in range(90):
                await one.send(media(number))
                await asyncio.sleep(0.01)
        assert [] == workflows.inquiries

    run(scenario)


def test_a_question_that_can_t_be_asked_is_asked_again() -> None:
    """The stream stays silent, and the next number is another question."""

    class Throttled(FakeWorkflows):
        def start_inquiry(
            self, call: CallRef, stream_key: str, *, worker: str, number: int
        ) -> None:
            if number == 1:
                raise Unavailable("throttled")
            super().start_inquiry(call, stream_key, worker=worker, number=number)

    async def scenario() -> None:
        workflows = Throttled()
        async with Rig(limits=SOON, workflows=workflows).running() as rig, rig.bandwidth() as one:
            await one.send(start())
            await until(lambda: workflows.inquiries)
        assert 2 == workflows.inquiries[0][2]

    run(scenario)


def test_an_answer_ends_the_stream_as_its_stop_would() -> None:
    """Its media is stored, the call closes, the socket goes; another stream stays."""

    async def scenario() -> None:
        async with Rig().running() as rig, rig.bandwidth() as one, rig.bandwidth() as other:
            for socket, call_id in ((one, "c-1"), (other, "c-2")):
                await socket.send(start(call_id))
                await socket.send(media(0))
            await until(lambda: len(rig.control.joinings) == 2)
            key = next(j.stream_key for j in rig.control.joinings if j.call.call_id == "c-1")
            rig.mailbox.send(over(rig, key))
            await one.wait_closed()
            await until(lambda: rig.control.closed)
            assert 1000 == one.close_code
            assert {key: Ending.STOPPED} == rig.control.endings
            assert ["c-1"] == [call.call_id for call, _ in rig.control.closed]

    run(scenario)


def test_a_stream_that_is_gone_needs_no_end() -> None:
    """The command is done all the same."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            command = over(rig, "gone")
            rig.mailbox.send(command)
            await until(lambda: not rig.mailbox.is_waiting(command))

    run(scenario)
