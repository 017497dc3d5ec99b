"""What Mailbox promises, in memory and as a table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.intervals import Behavior
from tests.samples import CALL, T0, later

COMMAND = Command(
    command_id="b",
    kind=CommandKind.PAUSE,
    worker="w-1",
    call_key=CALL.key,
    recording_id="r-1",
    at=T0,
    behavior=Behavior.SILENCE,
)


class TestMailbox:
    """The port Mailbox."""

    def test_a_worker_reads_its_own_in_their_order(self, core: Any) -> None:
        """By time; what is another worker's isn't there."""

        after = replace(COMMAND, command_id="a", kind=CommandKind.RESUME, at=later(1))
        for command in (after, COMMAND, replace(COMMAND, worker="w-2")):
            core.mailbox.send(command)

        assert [COMMAND, after] == core.mailbox.waiting("w-1")

    def test_the_same_command_twice_is_one(self, core: Any) -> None:
        """A repeated write changes nothing."""

        core.mailbox.send(COMMAND)
        core.mailbox.send(COMMAND)

        assert [COMMAND] == core.mailbox.waiting("w-1")

    def test_what_another_version_says_keeps_nothing_waiting(self, core: Any) -> None:
        """A newer API may know commands that an older worker doesn't, while both are there."""

        core.mailbox.send(replace(COMMAND, command_id="a", kind="rewind"))  # type: ignore[arg-type]  # unknown here
        core.mailbox.send(COMMAND)

        assert [COMMAND] == core.mailbox.waiting("w-1")

    def test_what_is_done_is_gone(self, core: Any) -> None:
        """And may be said again."""

        core.mailbox.send(COMMAND)
        assert core.mailbox.is_waiting(COMMAND)

        core.mailbox.remove(COMMAND)
        core.mailbox.remove(COMMAND)

        assert not core.mailbox.is_waiting(COMMAND)
        assert [] == core.mailbox.waiting("w-1")
