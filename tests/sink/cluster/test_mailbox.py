"""Which of a worker's commands are carried out when."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chalicelib.errors import NotFound
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.sink.cluster.mailbox import MailboxKeeper
from chalicelib.sink.runtime.health import Health
from tests.fake_accounts import FakeMailbox
from tests.fake_store import Store
from tests.sink.rig import QUICK, run, until


class Slow:
    """Calls whose taps are reached never, and whose pauses are carried out at once."""

    calls = 1

    def __init__(self) -> None:
        self.executed: list[str] = []

    async def execute(self, command: Command) -> None:
        """Carry out a command."""
        self.executed.append(command.command_id)
        if command.kind is CommandKind.TAP:
            await asyncio.Event().wait()


def command(number: int, kind: CommandKind) -> Command:
    """Return one of many commands."""
    return Command(
        command_id=f"{kind}-{number}",
        kind=kind,
        worker="w-1",
        call_key="main/bandwidth/c-1",
        recording_id="r-1",
        at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
    )


def test_what_takes_long_hides_nothing_that_came_later() -> None:
    """Ninety taps wait for their destinations; a pause doesn't wait for them."""

    async def scenario() -> None:
        mailbox, calls = FakeMailbox(Store()), Slow()
        for number in range(90):
            mailbox.send(command(number, CommandKind.TAP))
        keeper = MailboxKeeper("w-1", mailbox, calls, Health(), QUICK)
        reading = asyncio.create_task(keeper.keep())
        await until(lambda: len(calls.executed) == 90)
        pause = command(90, CommandKind.PAUSE)
        mailbox.send(pause)
        await until(lambda: not mailbox.is_waiting(pause))
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await keeper.close()
        assert pause.command_id == calls.executed[-1]

    run(scenario)


class Sticky(FakeMailbox):
    """A mailbox in which removed commands reappear a few times."""

    def __init__(self) -> None:
        super().__init__(Store())
        self.removals = 0

    def remove(self, command: Command) -> None:
        """Remove a command at the fifth wish."""
        self.removals += 1
        if self.removals >= 5:
            super().remove(command)


def test_a_command_is_carried_out_once() -> None:
    """One that is read again after it was carried out is only removed again."""

    async def scenario() -> None:
        mailbox, calls = Sticky(), Slow()
        keeper = MailboxKeeper("w-1", mailbox, calls, Health(), QUICK)
        reading = asyncio.create_task(keeper.keep())
        pause = command(1, CommandKind.PAUSE)
        mailbox.send(pause)
        await until(lambda: not mailbox.is_waiting(pause))
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await keeper.close()
        assert [pause.command_id] == calls.executed

    run(scenario)


def test_a_command_waits_where_it_is_until_it_is_carried_out() -> None:
    """A worker that dies meanwhile leaves it to be seen; it is begun once."""

    async def scenario() -> None:
        mailbox, calls = FakeMailbox(Store()), Slow()
        keeper = MailboxKeeper("w-1", mailbox, calls, Health(), QUICK)
        reading = asyncio.create_task(keeper.keep())
        tap, later = command(1, CommandKind.TAP), command(2, CommandKind.PAUSE)
        mailbox.send(tap)
        await until(lambda: calls.executed)
        mailbox.send(later)
        await until(lambda: not mailbox.is_waiting(later))
        assert mailbox.is_waiting(tap)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await keeper.close()
        assert [tap.command_id, later.command_id] == calls.executed

    run(scenario)


class Gone:
    """Calls whose recordings are gone."""

    calls = 1

    async def execute(self, command: Command) -> None:
        """Find nothing to do it to."""
        raise NotFound(command.recording_id)


def test_a_command_for_what_is_gone_is_done() -> None:
    """Who sent it needn't wait for anything more."""

    async def scenario() -> None:
        mailbox, health = FakeMailbox(Store()), Health()
        keeper = MailboxKeeper("w-1", mailbox, Gone(), health, QUICK)
        reading = asyncio.create_task(keeper.keep())
        stop = command(1, CommandKind.STOP_RECORD_CALL)
        mailbox.send(stop)
        await until(lambda: not mailbox.is_waiting(stop))
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await keeper.close()
        assert 1 == health.failures["mailbox"]

    run(scenario)


class Counted(FakeMailbox):
    """A mailbox that counts how often it was read."""

    def __init__(self) -> None:
        super().__init__(Store())
        self.reads = 0

    def waiting(self, worker: str) -> list[Command]:
        """Count, and read."""
        self.reads += 1
        return super().waiting(worker)


def test_what_is_forgotten_is_the_oldest() -> None:
    """The newest may still be under way, and would begin again."""
    limits = replace(QUICK, mailbox_remembered=2)

    async def scenario() -> None:
        mailbox, calls = Counted(), Slow()
        keeper = MailboxKeeper("w-1", mailbox, calls, Health(), limits)
        reading = asyncio.create_task(keeper.keep())
        for number in (1, 2):
            mailbox.send(command(number, CommandKind.PAUSE))
        await until(lambda: not mailbox.waiting("w-1"))
        mailbox.send(command(3, CommandKind.TAP))
        seen = mailbox.reads
        await until(lambda: mailbox.reads >= seen + 5)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await keeper.close()
        assert ["pause-1", "pause-2", "tap-3"] == calls.executed

    run(scenario)


def test_no_more_than_so_many_are_under_way() -> None:
    """However often the mailbox is read meanwhile: more wait where they are."""
    limits = replace(QUICK, mailbox_at_once=2)

    async def scenario() -> None:
        mailbox, calls = Counted(), Slow()
        for number in range(5):
            mailbox.send(command(number, CommandKind.TAP))
        keeper = MailboxKeeper("w-1", mailbox, calls, Health(), limits)
        reading = asyncio.create_task(keeper.keep())
        await until(lambda: mailbox.reads >= 5)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await keeper.close()
        assert ["tap-0", "tap-1"] == calls.executed

    run(scenario)
