"""Which handler each kind of command has."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import pytest

from chalicelib.recording.commands import Command, CommandKind
from chalicelib.sink.calls.call import LiveCall
from chalicelib.sink.calls.command_handler import CommandHandler
from tests.sink.rig import run

CALL = "main/bandwidth/c-1"

HANDLERS = {
    CommandKind.RECORD_CALL: "recordings.begin",
    CommandKind.PAUSE: "recordings.pause",
    CommandKind.RESUME: "recordings.resume",
    CommandKind.STOP_RECORD_CALL: "recordings.stop",
    CommandKind.DISCARD: "recordings.discard",
    CommandKind.TAP: "taps.begin",
    CommandKind.STOP_TAP: "taps.stop",
    CommandKind.OPEN_PORT: "ports.open",
    CommandKind.END_PORT: "ports.end",
    CommandKind.END_STREAM: "calls.end_stream",
}
OF_A_CALL = [kind for kind, name in HANDLERS.items() if not name.startswith(("ports", "calls"))]


class Part:
    """Something whose methods note that they were called."""

    def __init__(self, name: str, executed: list[str]) -> None:
        self._name = name
        self._executed = executed

    def __getattr__(self, method: str) -> object:
        async def note(_command: Command) -> None:
            self._executed.append(f"{self._name}.{method}")

        return note


@dataclass
class World:
    """A worker's calls and ports, and what was executed on them."""

    executed: list[str] = field(default_factory=list)
    calls: int = 1

    def __post_init__(self) -> None:
        self.recordings = Part("recordings", self.executed)
        self.taps = Part("taps", self.executed)
        self.end_stream = Part("calls", self.executed).__getattr__("end_stream")

    def find(self, call_key: str) -> LiveCall | None:
        """Return the one call."""
        return cast(LiveCall, self) if call_key == CALL else None


def handler(world: World) -> CommandHandler:
    """Return a handler for that world."""
    return CommandHandler(world, Part("ports", world.executed))  # type: ignore[arg-type]


def command(kind: CommandKind, call_key: str = CALL) -> Command:
    """Return a command of a kind."""
    return Command(
        command_id="1",
        kind=kind,
        worker="w-1",
        call_key=call_key,
        recording_id="r-1",
        at=datetime(2026, 12, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize("kind", CommandKind)
def test_each_kind_has_one_handler(kind: CommandKind) -> None:
    """A new kind without a row in the table fails here."""

    world = World()
    run(lambda: handler(world).execute(command(kind)))
    assert [HANDLERS[kind]] == world.executed


@pytest.mark.parametrize("kind", OF_A_CALL)
def test_a_call_that_is_over_has_nothing_left_to_do(kind: CommandKind) -> None:
    """Its recordings and taps have ended by then."""

    world = World()
    run(lambda: handler(world).execute(command(kind, "main/bandwidth/c-2")))
    assert [] == world.executed


def test_it_counts_the_calls_that_a_command_may_be_for() -> None:
    """The mailbox is read less often while there are none."""

    assert 1 == handler(World()).calls
