"""Two simulated calls at once, in real time: one SignalWire tap, one Bandwidth stream."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.aws import DeployedStack
from infra.local.customer import Customer
from infra.local.failures import RunFailed
from infra.local.processes import last_line, running

SECONDS = 12

_LIVE = re.compile(r": (\d+) s live$", re.MULTILINE)
_SUCCESS = 2
"""hundreds of an HTTP status"""

_SLACK_S = 60
"""what a call may take beyond its own length"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One call of the rehearsal, and the profile that it is recorded by."""

    title: str
    dialect: str
    record_call: dict[str, object]
    options: tuple[str, ...] = ()
    """of the simulator"""


PARTS = (
    Part(
        title="SignalWire tap",
        dialect="signalwire-tap",
        record_call={"format": "wav", "direction": "speak"},
        options=("--directions", "speak"),
    ),
    Part(
        title="Bandwidth stream",
        dialect="bandwidth",
        record_call={"format": "wav", "direction": "both", "stereo": True},
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedCall:
    """A call that was played."""

    part: Part
    call_id: str
    payload_files: tuple[Path, ...]
    """what was sent, by channel"""
    refused_hooks: tuple[str, ...]
    """sentences: carriers would send these again, the simulator doesn't"""


def create_profiles(customer: Customer, status_url: str) -> dict[str, dict[str, Any]]:
    """Make a profile for each part; return their instructions by dialect."""
    instructions = {}
    for part in PARTS:
        body = {
            "name": part.dialect,
            "dialect": part.dialect,
            "record_call": part.record_call,
            "status_url": status_url,
        }
        customer.post("/v1/profiles", body)
        instructions[part.dialect] = customer.get(f"/v1/profiles/{part.dialect}/instructions")
    return instructions


def play_calls(
    stack: DeployedStack,
    python: str,
    folder: Path,
    instructions: dict[str, dict[str, Any]],
    on_progress: Callable[[str], None],
) -> list[PlayedCall]:
    """Play all parts at once. Raises RunFailed where one wasn't taken whole."""
    with ExitStack() as calls:
        players = []
        for part in PARTS:
            log = folder / f"{part.dialect}.log"
            command = _command(part, python, folder, instructions[part.dialect])
            player = calls.enter_context(
                running(part.title, command, log=log, environment=stack.environment)
            )
            players.append((part, player, log))
        for line in _progress(players):
            on_progress(line)
        return [_played(part, log, folder) for part, _, log in players]


def _command(part: Part, python: str, folder: Path, instructions: dict[str, Any]) -> list[str]:
    return [
        *(python, "-u", "-m", "simulator", "--progress"),
        *("--dialect", part.dialect),
        *("--stream-url", instructions["stream_url"]),
        *("--hook-url", instructions["hook_url"]),
        *("--seconds", str(SECONDS)),
        *("--report", str(_report(part, folder))),
        *part.options,
    ]


_Player = tuple[Part, "subprocess.Popen[bytes]", Path]


def _progress(players: Sequence[_Player]) -> Iterator[str]:
    """Yield how far the calls are whenever that changes, until all have ended."""
    deadline = time.monotonic() + SECONDS + _SLACK_S
    said = ""
    while any(player.poll() is None for _, player, _ in players):
        if time.monotonic() > deadline:
            raise RunFailed(f"The calls didn't end within {SECONDS + _SLACK_S} s.")
        line = "   ".join(f"{part.title} {_live_seconds(log):>2} s" for part, _, log in players)
        if line != said:
            yield line
            said = line
        time.sleep(1)


def _live_seconds(log: Path) -> str:
    told = _LIVE.findall(log.read_text(errors="replace"))
    return told[-1] if told else "0"


def _played(part: Part, log: Path, folder: Path) -> PlayedCall:
    """Read what was sent. Raises RunFailed where the sink didn't take it to its end."""
    report = _report(part, folder)
    if not report.exists():
        raise RunFailed(f"The {part.title} was not played: {last_line(log)} (see {log}).")
    told = json.loads(report.read_text())
    for socket in told["sockets"]:
        if socket["by"] != "carrier":
            how = f"{socket['by']} with {socket['code']} {socket['reason']}".rstrip()
            raise RunFailed(f"The {part.title}'s socket was ended: {how} (see {log}).")
    # Channel 0 is the inbound track, channel 1 the outbound one.
    files = [told["tracks"][track]["payload_file"] for track in sorted(told["tracks"])]
    return PlayedCall(
        part=part,
        call_id=told["call_id"],
        payload_files=tuple(Path(file) for file in files),
        refused_hooks=tuple(
            f"{hook['event']} was answered {hook['status']}"
            for hook in told["hooks"]
            if hook["status"] // 100 != _SUCCESS
        ),
    )


def _report(part: Part, folder: Path) -> Path:
    return folder / f"{part.dialect}.json"
